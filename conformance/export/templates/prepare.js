// Before each request: the step after a broken promise is skipped, and placeholders get their values.
const key = pm.variables.get("writeKey") || "";
const broken = /["\\\u0000-\u001f]/.test(key) || key.length < 2;
if (broken) {
  throw new Error("writeKey: set it to the write key, of two characters or more, none of which JSON escapes");
}
const swapped = key.replace(/\p{L}/gu, (letter) => {
  const upper = letter.toUpperCase();
  return letter === upper ? letter.toLowerCase() : upper;
});
const values = { writeKey: key, writeKeyTruncated: key.slice(0, -1), writeKeySwapped: swapped };
for (const [name, value] of Object.entries(values)) {
  if (name !== "writeKey") pm.variables.set(name, value);
  pm.variables.set(`${name}Encoded`, encodeURIComponent(value));
}
const script = pm.info.requestName.replace(/ \d+\/\d+$/, "");
if (pm.variables.get("over") === script) {
  pm.execution.skipRequest();
}
