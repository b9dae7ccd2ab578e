// Runs collections with newman: [[collection, url, key], ...] on standard input, what came of them on standard output.
const fs = require("fs");
const path = require("path");
const newman = require(path.join(process.argv[2], "node_modules", "newman"));

const AT_ONCE = 2;
const TIMEOUT_MS = 10000;
const jobs = JSON.parse(fs.readFileSync(0, "utf-8"));
const outcomes = [];

function run(number) {
  const [collection, baseUrl, writeKey] = jobs[number];
  const envVar = Object.entries({ baseUrl, writeKey }).map(([key, value]) => ({ key, value }));
  return new Promise((resolve, reject) => {
    newman.run({ collection: JSON.parse(collection), envVar, timeoutRequest: TIMEOUT_MS }, (error, summary) => {
      if (error) return reject(error);
      outcomes[number] = {
        failures: summary.run.failures.map((item) => [item.source.name, item.error.message]),
        assertions: summary.run.stats.assertions.total,
        requests: summary.run.stats.requests.total,
      };
      return resolve();
    });
  });
}

async function worker(queue) {
  while (queue.length) await run(queue.shift());
}

const queue = jobs.map((_, number) => number);
Promise.all(Array.from({ length: AT_ONCE }, () => worker(queue))).then(() => {
  process.stdout.write(JSON.stringify(outcomes));
});
