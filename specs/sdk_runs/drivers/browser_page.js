// Runs in a page, beside a browser SDK in window.sdk or window.AnalyticsNext: makes the calls of a script.
async function segment({ writeKey, apiHost, config = {} }) {
  const { protocol, host } = new URL(apiHost)
  const own = { apiKey: writeKey, apiHost: `${host}/v1`, protocol: protocol.replace(':', '') }
  if (config.strategy === 'batching') {
    own.deliveryStrategy = { strategy: 'batching', config: { size: config.flushAt, timeout: config.flushInterval } }
  }
  const cdnSettings = { integrations: { 'Segment.io': own } }
  const given = { writeKey, cdnURL: location.origin, cdnSettings }
  const analytics = window.AnalyticsNext.AnalyticsBrowser.load(given, { initialPageview: false })
  await analytics.ready()
  analytics.on('error', (error) => console.error(String(error.reason || error.code)))
  return { analytics } // it has a `then` of its own
}

async function rudderstack({ writeKey, apiHost }) {
  const analytics = new window.sdk.RudderAnalytics()
  const integrations = { All: false }
  analytics.load(writeKey, apiHost, { configUrl: apiHost, logLevel: 'ERROR', loadIntegration: false, integrations })
  return { analytics }
}

async function call(analytics, event) {
  if (event.type === 'track') return analytics.track(event.event, event.properties)
  if (event.type === 'identify') return analytics.identify(event.userId, event.traits)
  if (event.type === 'group') return analytics.group(event.groupId, event.traits)
  if (event.type === 'alias') return analytics.alias(event.userId, event.previousId)
  return analytics[event.type](event.category, event.name, event.properties)
}

window.send = async (script) => {
  const { analytics } = await (window.AnalyticsNext ? segment : rudderstack)(script)
  await analytics.setAnonymousId('conformance-visitor')
  for (const { delayMs, events } of script.sequences) {
    if (delayMs) await new Promise((resolve) => setTimeout(resolve, delayMs))
    // not awaited: the promise of an event that can't be delivered ends late
    for (const event of events) call(analytics, event)
  }
}
