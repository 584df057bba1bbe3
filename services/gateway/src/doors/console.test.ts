import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { delimiter } from 'node:path';
import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { edge, eventually, QUESTION } from './fixtures/edge.ts';
import { HEARD, SENTENCES } from './fixtures/stages.ts';

/** Quiet, without a sandbox (root in a container), and with a microphone that plays a tone. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
];

function browserPath(): string {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
    .find((path) => existsSync(path));
  if (!found) throw new Error('no Chromium is on PATH: apt-get install chromium');
  return found;
}

async function visit(url: string) {
  const browser = await chromium.launch({ executablePath: browserPath(), args: ARGUMENTS });
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => void complaints.push(error.message));
  await page.goto(url);
  return { page, complaints, [Symbol.asyncDispose]: () => browser.close() };
}

describe('the console, in a real browser', () => {
  it('shows the mode and follows its change', async () => {
    await using gate = await edge();
    await using open = await visit(gate.url);
    await eventually(() => open.page.textContent('#mode')).toBe('normal');
    gate.mesh.guard.become({ mode: 'safe', reasons: ['DIGEST_MISMATCH: mind'] });
    await eventually(() => open.page.textContent('#mode')).toBe('safe');
    expect(await open.page.textContent('#reasons')).toBe('DIGEST_MISMATCH: mind');
  });

  it('takes a recording, shows what was heard and answered, and then the turn in the list, within its own content policy', async () => {
    await using gate = await edge();
    await using open = await visit(gate.url);
    await open.page.fill('#key', gate.keys.ann);
    await open.page.setInputFiles('#file', { name: 'clip.wav', mimeType: 'audio/wav', buffer: QUESTION });
    await open.page.click('#ask');
    await eventually(() => open.page.textContent('#receipt')).toContain('trace ');
    expect(await open.page.textContent('#heard')).toBe(HEARD);
    expect(await open.page.textContent('#answer')).toBe(SENTENCES.join(''));
    await eventually(() => open.page.textContent('#turns')).toContain('ears, mind, mouth1');
    expect(open.complaints).toEqual([]);
  });

  it('takes what is said into the microphone', async () => {
    await using gate = await edge();
    await using open = await visit(gate.url);
    await open.page.fill('#key', gate.keys.ann);
    await open.page.click('#microphone');
    await eventually(() => open.page.textContent('#microphone')).toBe('Stop, and ask');
    await open.page.click('#microphone');
    await eventually(() => open.page.textContent('#receipt')).toMatch(/trace |no samples|empty/);
    expect(open.complaints.filter((text) => !text.includes('400'))).toEqual([]);
  });

  it('says why it was refused', async () => {
    await using gate = await edge();
    await using open = await visit(gate.url);
    await open.page.fill('#key', 'nobody');
    await open.page.setInputFiles('#file', { name: 'clip.wav', mimeType: 'audio/wav', buffer: QUESTION });
    await open.page.click('#ask');
    await eventually(() => open.page.textContent('#receipt')).toMatch(/401 UNAUTHENTICATED/);
  });
});

describe('what needs no key', () => {
  it('names neither users nor words', async () => {
    await using gate = await edge();
    await (await gate.turn(QUESTION)).text();
    const told = await (await gate.fetch('/status', { key: null })).text();
    expect(told).toContain('"models":["ears","mind","mouth1"]');
    for (const secret of ['ann', 'acme', HEARD, "o'clock"]) expect(told).not.toContain(secret);
  });

  it('may be shown by no other page, and runs no foreign code', async () => {
    await using gate = await edge();
    const policy = (await gate.fetch('/', { key: null })).headers.get('content-security-policy');
    expect(policy).toMatch(/default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
    expect(policy).not.toContain('unsafe');
  });
});
