// Sends events through RudderStack's Node SDK: node rudder_node.cjs MODULES, with a JSON script on standard input.
const { createRequire } = require('node:module')
const { readFileSync } = require('node:fs')
const script = JSON.parse(readFileSync(0, 'utf8'))
const Analytics = createRequire(`${process.argv[2]}/`)('@rudderstack/rudder-sdk-node')

const errors = []
const { maxRetries, flushAt, flushInterval } = script.config || {}
const options = { dataPlaneUrl: script.apiHost, logLevel: 'error', errorHandler: (error) => errors.push(String(error)) }
if (maxRetries !== undefined) options.retryCount = maxRetries
if (flushAt !== undefined) options.flushAt = flushAt
if (flushInterval !== undefined) options.flushInterval = flushInterval

async function main() {
  const analytics = new Analytics(script.writeKey, options)
  for (const sequence of script.sequences) {
    if (sequence.delayMs) await new Promise((resolve) => setTimeout(resolve, sequence.delayMs))
    for (const { type, ...event } of sequence.events) {
      if (event.timestamp) event.timestamp = new Date(event.timestamp)
      analytics[type](event)
    }
  }
}

process.on('exit', () => {
  process.stdout.write(JSON.stringify({ success: !errors.length, error: errors[0], errors }) + '\n')
})
main()
