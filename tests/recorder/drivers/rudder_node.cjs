// Speaks through RudderStack's Node SDK: one event of each kind, or one alone. Prints how often it reported an error.
// node rudder_node.cjs MODULES URL KEY {all,one}
const { createRequire } = require('node:module')
const [modules, dataPlaneUrl, writeKey, extent] = process.argv.slice(2)
const Analytics = createRequire(`${modules}/`)('@rudderstack/rudder-sdk-node')

const errors = []
const errorHandler = (error) => errors.push(String(error))
const options = { dataPlaneUrl, flushAt: 20, flushInterval: 300, retryCount: 1, logLevel: 'error', errorHandler }
const analytics = new Analytics(writeKey, options)
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
process.on('exit', () => process.stdout.write(JSON.stringify({ errors })))
