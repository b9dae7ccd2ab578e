// Sends events through Segment's Node SDK: node segment_node.cjs MODULES, with a JSON script on standard input.
const { createRequire } = require('node:module')
const { readFileSync } = require('node:fs')
const script = JSON.parse(readFileSync(0, 'utf8'))
const { Analytics } = createRequire(`${process.argv[2]}/`)('@segment/analytics-node')

async function main() {
  const errors = []
  const { maxRetries, flushAt, flushInterval } = script.config || {}
  const analytics = new Analytics({ writeKey: script.writeKey, host: script.apiHost, maxRetries, flushAt, flushInterval })
  analytics.on('error', (error) => errors.push(String(error.reason || error.code)))
  for (const sequence of script.sequences) {
    if (sequence.delayMs) await new Promise((resolve) => setTimeout(resolve, sequence.delayMs))
    for (const { type, ...event } of sequence.events) {
      if (event.timestamp) event.timestamp = new Date(event.timestamp)
      analytics[type](event)
    }
  }
  await analytics.closeAndFlush({ timeout: (script.config || {}).closeMs || 15000 })
  const result = { success: !errors.length, error: errors[0], errors }
  process.stdout.write(JSON.stringify(result) + '\n', () => process.exit(0))
}

main()
