// Speaks through Segment's Node SDK: one event of each kind, or one alone. Prints how often it reported an error.
// node segment_node.cjs MODULES URL KEY {all,one}
const { createRequire } = require('node:module')
const [modules, host, writeKey, extent] = process.argv.slice(2)
const { Analytics } = createRequire(`${modules}/`)('@segment/analytics-node')

async function main() {
  const errors = []
  const analytics = new Analytics({ writeKey, host, maxRetries: 1, flushAt: 7, flushInterval: 5000 })
  analytics.on('error', (error) => errors.push(String(error.reason || error.code)))
  const userId = 'conformance-user'
  const anonymousId = 'conformance-visitor'
  analytics.track({ userId, event: 'Order Completed', properties: { total: 39.9, currency: 'EUR' } })
  if (extent === 'all') {
    analytics.identify({ userId, traits: { email: 'conformance@example.com' } })
    analytics.page({ userId, category: 'Docs', name: 'Home', properties: { path: '/' } })
    analytics.screen({ userId, category: 'App', name: 'Welcome', properties: { variation: 'blue' } })
    analytics.group({ userId, groupId: 'conformance-group', traits: { name: 'Example' } })
    analytics.alias({ userId, previousId: anonymousId })
    analytics.track({ anonymousId, event: 'Link Clicked' })
  }
  await analytics.closeAndFlush({ timeout: 15000 })
  process.stdout.write(JSON.stringify({ errors }))
}

main()
