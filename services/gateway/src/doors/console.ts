/** The operator's page: mode, instances, models; asked again every two seconds. No framework, no foreign code. */
export const consolePage = {
  html: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>SmartLite</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1c2733; background: #fff; }
  h1 { font-size: 1.4rem; } table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #dde3ea; }
  .mode { display: inline-block; padding: .1rem .7rem; border-radius: 1rem; color: #fff; background: #5b6b7b; }
  .normal { background: #18794e; } .safe { background: #b35309; } .halted { background: #b4232c; } .muted { color: #5b6b7b; }
</style></head>
<body><h1>SmartLite <span id="mode" class="mode">…</span></h1>
<p id="lock" class="muted"></p><p id="reasons"></p>
<table><thead><tr><th>Service</th><th>Instance</th><th>Region</th><th>Mode</th><th>In flight</th><th>Models</th></tr></thead><tbody id="instances"></tbody></table>
<script src="/console.js"></script></body></html>`,
  script: `const $ = (id) => document.getElementById(id);
const cell = (text) => Object.assign(document.createElement('td'), { textContent: text });
async function show() {
  try {
    const s = await (await fetch('/status')).json();
    $('mode').textContent = s.mode; $('mode').className = 'mode ' + s.mode;
    $('lock').textContent = s.lockSequence === null ? 'no lock status yet' : 'lock ' + s.lockSequence + ', ' + s.lockDigest + ', status ' + s.order;
    $('reasons').textContent = s.reasons.join(', ');
    $('instances').replaceChildren(...s.instances.map((i) => {
      const row = document.createElement('tr');
      row.append(cell(i.service), cell(i.instance), cell(i.region), cell(i.mode), cell(String(i.inflight)), cell(i.models.join(', ')));
      return row;
    }));
  } catch { $('mode').textContent = 'unreachable'; $('mode').className = 'mode'; }
  setTimeout(show, 2000);
}
show();
`,
};
