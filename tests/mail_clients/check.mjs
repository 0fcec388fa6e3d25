// The goldens of mails are held against html-validate, and against what Gmail, Outlook and Apple Mail can show.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { doIUseEmail } from "doiuse-email";
import { HtmlValidate } from "html-validate";

const GOLDENS = fileURLToPath(new URL("../golden/", import.meta.url));
const CLIENTS = ["gmail.*", "outlook.*", "apple-mail.*"];
const RULES = {
  extends: ["html-validate:recommended"],
  rules: {
    "no-inline-style": "off", // Gmail and Outlook read styles from the elements; <style> is an addition
    "no-deprecated-attr": "off", // Outlook on Windows lays out by Word, which knows these attributes and not the styles
    "prefer-tbody": "off", // of a table that is layout, a body says nothing; parsers add it
  },
};
// What a client cannot do and the mail is read without. By feature, with the reason.
const WAIVED = {
  "`@media`": "dark colours and narrow edges only; without it the light, fluid mail is shown",
  "`border-radius`": "corners are square",
  "`overflow-wrap`": "beside word-break, which those know that matter; a long word makes the mail wider",
  "`word-break`": "Outlook breaks long words by itself",
  "`role attribute`": "Windows Mail reads layout tables aloud as tables",
  "`<body> element`": "replaced by an element with its attributes; the outer table has the colours too",
};

const feature = (said) => said.slice(0, said.indexOf(" is not supported"));
const validator = new HtmlValidate(RULES);
const found = [];
const waived = new Set();
const mails = readdirSync(GOLDENS).filter((name) => /^digest-.*\.html$/.test(name));
for (const name of mails) {
  const page = readFileSync(GOLDENS + name, "utf8");
  const report = await validator.validateString(page);
  for (const { messages } of report.results)
    found.push(...messages.map((one) => `${name}:${one.line}: ${one.message} (${one.ruleId})`));
  const support = doIUseEmail(page, { emailClients: CLIENTS });
  for (const said of new Set(support.errors ?? []))
    if (feature(said) in WAIVED) waived.add(feature(said));
    else found.push(`${name}: ${said}`);
}
for (const one of Object.keys(WAIVED)) if (!waived.has(one)) found.push(`the waiver of ${one} is no longer needed`);
if (mails.length < 8) found.push(`only ${mails.length} goldens of mails in ${GOLDENS}`);
console.log([...found, `${mails.length} mails, ${found.length} faults, ${waived.size} waived features`].join("\n"));
process.exit(found.length ? 1 : 0);
