// Sends events through Segment's browser SDK in Node, with as much of a browser as it asks for:
// node segment_browser.cjs MODULES, with a JSON script on standard input.
const { createRequire } = require('node:module')
const { readFileSync } = require('node:fs')
const modules = process.argv[2]
const script = JSON.parse(readFileSync(0, 'utf8'))

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

async function send(analytics, event) {
  if (event.type === 'track') {
    return analytics.track(event.event, event.properties, event.userId ? { userId: event.userId } : {})
  }
  if (event.type === 'identify') return analytics.identify(event.userId, event.traits)
  if (event.type === 'group') return analytics.group(event.groupId, event.traits)
  if (event.type === 'alias') return analytics.alias(event.userId, event.previousId)
  return analytics[event.type](event.category, event.name, event.properties)
}

async function main() {
  const { AnalyticsBrowser } = createRequire(`${modules}/`)('@segment/analytics-next')
  const { protocol, host } = new URL(script.apiHost)
  const { writeKey, config = {} } = script
  const own = { apiKey: writeKey, apiHost: `${host}/v1`, protocol: protocol.replace(':', '') }
  if (config.strategy === 'batching') {
    own.deliveryStrategy = { strategy: 'batching', config: { size: config.flushAt, timeout: config.flushInterval } }
  }
  const cdnSettings = { integrations: { 'Segment.io': own } }
  const analytics = AnalyticsBrowser.load({ writeKey, cdnSettings }, { initialPageview: false })
  const errors = []
  await analytics.ready()
  analytics.on('error', (error) => errors.push(String(error.reason || error.code)))
  await analytics.setAnonymousId('conformance-visitor')
  for (const sequence of script.sequences) for (const event of sequence.events) await send(analytics, event)
  process.on('exit', () => {
    process.stdout.write(JSON.stringify({ success: !errors.length, error: errors[0], errors }) + '\n')
  })
  setTimeout(() => process.exit(), config.waitMs || 200)
}

main()
