// Speaks through Segment's browser SDK in Node, with as much of a browser as it asks for.
// node segment_browser.cjs MODULES URL KEY {all,one,batch}
const { createRequire } = require('node:module')
const [modules, url, writeKey, extent] = process.argv.slice(2)

const store = new Map()
const storage = {
  getItem: (key) => store.get(key) ?? null,
  setItem: (key, value) => store.set(key, String(value)),
  removeItem: (key) => store.delete(key),
}
const location = new URL('https://conformance.example/docs?tab=home')
const element = () => ({ style: {}, setAttribute() {}, getAttribute: () => null, appendChild() {} })
const document = {
  title: 'Docs', referrer: '', cookie: '', readyState: 'complete', visibilityState: 'visible', location,
  documentElement: element(), head: element(), body: element(),
  addEventListener() {}, removeEventListener() {}, createElement: element,
  getElementsByTagName: () => [], querySelector: () => null, querySelectorAll: () => [],
}
const given = {
  document, location, localStorage: storage, sessionStorage: storage, screen: { width: 1280, height: 720 },
  navigator: { userAgent: 'conformance', language: 'en-US', onLine: true, cookieEnabled: true },
  addEventListener() {}, removeEventListener() {}, history: {}, origin: location.origin,
}
globalThis.window = globalThis
for (const [name, value] of Object.entries(given)) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
}

async function main() {
  const { AnalyticsBrowser } = createRequire(`${modules}/`)('@segment/analytics-next')
  const host = url.replace('http://', '')
  const anonymousId = 'conformance-visitor'
  const own = { apiKey: writeKey, apiHost: `${host}/v1`, protocol: 'http' }
  if (extent === 'batch') own.deliveryStrategy = { strategy: 'batching', config: { size: 7, timeout: 5000 } }
  const cdnSettings = { integrations: { 'Segment.io': own } }
  const analytics = AnalyticsBrowser.load({ writeKey, cdnSettings }, { initialPageview: false })
  const errors = []
  await analytics.ready()
  analytics.on('error', (error) => errors.push(String(error.reason || error.code)))
  await analytics.setAnonymousId(anonymousId)
  await analytics.track('Order Completed', { total: 39.9, currency: 'EUR' }, { userId: 'conformance-user' })
  if (extent !== 'one') {
    await analytics.identify('conformance-user', { email: 'conformance@example.com' })
    await analytics.page('Docs', 'Home', { variation: 'blue' })
    await analytics.screen('App', 'Welcome', { variation: 'blue' })
    await analytics.group('conformance-group', { name: 'Example' })
    await analytics.alias('conformance-user', anonymousId)
    await analytics.track('Link Clicked')
  }
  process.on('exit', () => process.stdout.write(JSON.stringify({ errors })))
  // Alone, an event may be sent again; of the others nothing is to come.
  setTimeout(() => process.exit(), extent === 'one' ? 4000 : 200)
}

main()
