// Before each request: sets the placeholders, and skips requests after a broken promise.
const baseUrl = pm.variables.get("baseUrl") || "";
const key = pm.variables.get("writeKey") || "";
if (!baseUrl) {
  throw new Error("baseUrl: set it to the address of the server");
}
if (key.length < 2 || /["\\\u0000-\u001f]/.test(key)) {
  throw new Error("writeKey: set it to the write key, of two characters or more, none of which JSON escapes");
}
pm.variables.set("baseUrl", baseUrl.replace(/(?<!\/)\/+$/, ""));
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
