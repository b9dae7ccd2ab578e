// After each answer: compares its status and body with what the check expects.
const TRIES = 4;
const LONGEST_S = 30;
const LONGEST_TEXT = 131072;
const name = pm.info.requestName;
const expected = JSON.parse(pm.variables.get("expected"));
const status = pm.response.code;
const text = pm.response.text();
const among = (ranges) => ranges.some(([first, last]) => first <= status && status <= last);

// The seconds that a 429 asks to wait; one where it does not say.
function asked() {
  const value = pm.response.headers.get("Retry-After") || "";
  const seconds = value.trim() === "" ? NaN : Number(value);
  if (!Number.isNaN(seconds)) return Math.max(seconds, 0.05);
  const date = Date.parse(value);
  return Number.isNaN(date) ? 1 : Math.max((date - Date.now()) / 1000, 0.05);
}

// What a body should be, and is not; empty if it is right.
function missing(body) {
  const type = (pm.response.headers.get("Content-Type") || "").split(";")[0].trim().toLowerCase();
  if (body.lacks !== undefined) {
    if (body.media_types.length && !body.media_types.includes(type)) return "";
    const start = text.slice(0, LONGEST_TEXT);
    const plain = body.spellings.reduce((result, [escape, character]) => result.split(escape).join(character), start);
    return new RegExp(body.lacks, "m").test(plain) ? "a body without that" : "";
  }
  if (body.media_type !== undefined && type !== body.media_type) return `the type ${body.media_type}`;
  const charset = /;\s*charset="?([^\s;"]+)/i.exec((pm.response.headers.get("Content-Type") || "").slice(0, 200));
  const isOtherCharset = body.charset !== undefined && charset && charset[1].toLowerCase() !== body.charset;
  if (isOtherCharset) return `the charset ${body.charset}`;
  if (body.class === "empty" && text) return "an empty body";
  if (body.class === "message" || body.class === "text") {
    if (!text.trim()) return "a body that says something";
    const isPage = /^\s*<(!doctype html|html|head|body)\b/i.test(text);
    if (isPage || type === "text/html" || type === "application/xhtml+xml") return "a plain message";
  }
  if (body.class === "json") {
    let value;
    try {
      value = JSON.parse(text);
    } catch (error) {
      return "a JSON body";
    }
    try {
      if (body.schema !== undefined) pm.expect(value).to.be.jsonSchema(body.schema);
    } catch (error) {
      return `a JSON body of the documented shape (${error.message})`;
    }
  }
  const isOther = body.text !== undefined && text.trim().toLowerCase() !== body.text.toLowerCase();
  return isOther ? `the body ${body.text}` : "";
}

// What was expected instead of this answer; empty if the answer is right.
function unmet() {
  if (!among(expected.statuses)) return expected.says;
  return expected.body ? missing(expected.body) : "";
}

function judge() {
  const isOver = among(expected.ends);
  const wanted = isOver ? "" : unmet();
  if (isOver || wanted) pm.variables.set("over", name.replace(/ \d+\/\d+$/, ""));
  if (isOver) return;
  pm.test(`${name}: ${expected.about}`, () => {
    if (wanted) pm.expect.fail(`expected ${wanted}, received ${status} ${JSON.stringify(text.slice(0, 120))}`);
  });
}

// A 429 is waited out, and the request sent again.
const tries = pm.variables.get("tries") || 0;
if (status === 429 && tries < TRIES && asked() <= LONGEST_S) {
  pm.variables.set("tries", tries + 1);
  pm.execution.setNextRequest(pm.info.requestId);
  setTimeout(() => {}, asked() * 1000);
} else {
  pm.variables.set("tries", 0);
  judge();
}
