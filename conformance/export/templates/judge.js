// After each answer: a status, and what the body has to look like, are held against what the check expects.
const name = pm.info.requestName;
const expected = JSON.parse(pm.variables.get("expected"));
const status = pm.response.code;
const among = (ranges) => ranges.some(([first, last]) => first <= status && status <= last);
const outline = `${status} ${JSON.stringify(pm.response.text().slice(0, 120))}`;

function wrongBody(body) {
  const type = (pm.response.headers.get("Content-Type") || "").split(";")[0].trim().toLowerCase();
  const text = pm.response.text();
  if (body.lacks !== undefined) {
    if (body.media_types.length && !body.media_types.includes(type)) return "";
    const plain = body.spellings.reduce((found, [spelled, meant]) => found.split(spelled).join(meant), text);
    return new RegExp(body.lacks, "m").test(plain) ? "a body without that" : "";
  }
  if (body.media_type !== undefined && type !== body.media_type) return `the type ${body.media_type}`;
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
    if (body.schema !== undefined) {
      try {
        pm.expect(value).to.be.jsonSchema(body.schema);
      } catch (error) {
        return `a JSON body of the documented shape (${error.message})`;
      }
    }
  }
  if (body.text !== undefined && text.trim().toLowerCase() !== body.text.toLowerCase()) return `the body ${body.text}`;
  return "";
}

const isOver = among(expected.ends);
let problem = "";
if (!isOver && !among(expected.statuses)) {
  problem = `expected ${expected.says}, received ${outline}`;
} else if (!isOver && expected.body) {
  const missing = wrongBody(expected.body);
  if (missing) problem = `expected ${missing}, received ${outline}`;
}
if (isOver || problem) {
  pm.variables.set("over", name.replace(/ \d+\/\d+$/, ""));
}
if (!isOver) {
  pm.test(`${name}: ${expected.about}`, () => {
    if (problem) pm.expect.fail(problem);
  });
}
