import type { LockFile } from '@smartlite/trust';
import { LOCK_PAYLOAD_TYPE } from '../../libs/trust/src/lock.ts';
import { attack } from './attack.ts';
import type { Stage } from './stage.ts';

/** On the lock's text. */
export const LOCK = [
  attack('duplicate key', 'LOCK_DUPLICATE_KEY', 'halted', (stage) => text(stage, (lock) => lock.replace('{', '{"sequence":9,'))),
  attack('duplicate key, nested', 'LOCK_DUPLICATE_KEY', 'halted', (stage) =>
    text(stage, (lock) => lock.replace('"enforce_signatures"', '"enforce_signatures":false,"enforce_signatures"')),
  ),
  attack('duplicate key, escaped', 'LOCK_DUPLICATE_KEY', 'halted', (stage) =>
    text(stage, (lock) => lock.replace('{', '{"sequen\\u0063e":9,')),
  ),
  attack('unknown key', 'LOCK_UNKNOWN_KEY', 'halted', (stage) => text(stage, (lock) => lock.replace('{', '{"trusted":true,'))),
  attack('unknown key, nested', 'LOCK_UNKNOWN_KEY', 'halted', (stage) =>
    text(stage, (lock) => lock.replace('"enforce_signatures"', '"skip":true,"enforce_signatures"')),
  ),
  attack('`__proto__` as a key', 'LOCK_UNKNOWN_KEY', 'halted', (stage) =>
    text(stage, (lock) => lock.replace('{', '{"__proto__":{"enforce_signatures":false},')),
  ),
  attack('1e400', 'LOCK_VALUE_OUT_OF_RANGE', 'halted', (stage) => sequence(stage, '1e400')),
  attack('NaN', 'LOCK_MALFORMED', 'halted', (stage) => sequence(stage, 'NaN')),
  attack('2^53 + 1', 'LOCK_VALUE_OUT_OF_RANGE', 'halted', (stage) => sequence(stage, '9007199254740993')),
  attack('fraction', 'LOCK_MALFORMED', 'halted', (stage) => sequence(stage, '1.5')),
  attack('negative sequence', 'LOCK_MALFORMED', 'halted', (stage) => sequence(stage, '-1')),
  attack('lone surrogate', 'LOCK_MALFORMED', 'halted', (stage) =>
    text(stage, (lock) => lock.replace('"voice-team"', '"\\ud800"')),
  ),
  attack('byte order mark', 'LOCK_MALFORMED', 'halted', (stage) => text(stage, (lock) => `\uFEFF${lock}`)),
  attack('trailing data', 'LOCK_MALFORMED', 'halted', (stage) => text(stage, (lock) => `${lock} {}`)),
  attack('not UTF-8', 'LOCK_MALFORMED', 'halted', (stage) => {
    stage.lock = Buffer.concat([stage.lock.subarray(0, 30), Buffer.of(0xff), stage.lock.subarray(30)]);
  }),
  attack('cut short', 'LOCK_MALFORMED', 'halted', (stage) => text(stage, (lock) => lock.slice(0, -20))),
  attack('empty file', 'LOCK_MALFORMED', 'halted', (stage) => text(stage, () => '')),
  attack('100 MB', 'LOCK_TOO_LARGE', 'halted', (stage) => {
    stage.lock = Buffer.concat([stage.lock, Buffer.alloc(100_000_000, ' ')]);
  }),
  attack('one string of 15 MB', 'LOCK_UNKNOWN_KEY', 'halted', (stage) =>
    text(stage, (lock) => lock.replace('{', `{"x":"${'y'.repeat(15_000_000)}",`)),
  ),
  attack('a million entries', 'LOCK_TOO_LARGE', 'halted', (stage) =>
    text(stage, (lock) => lock.replace('"manifest":[', `"manifest":[${'1,'.repeat(1_000_000)}`)),
  ),
  attack('10,000 deep', 'LOCK_TOO_LARGE', 'halted', (stage) =>
    text(stage, (lock) => lock.replace('{', `{"x":${'['.repeat(10_000)}${']'.repeat(10_000)},`)),
  ),
  attack('runtime state 5,000 deep', 'LOCK_TOO_LARGE', 'halted', (stage) =>
    text(stage, (lock) => lock.replace('"runtime_state":{', `"runtime_state":{"x":${'['.repeat(5_000)}${']'.repeat(5_000)},`)),
  ),
  attack('200,000 signatures of artifacts that are none', 'LOCK_UNKNOWN_KEY', 'halted', (stage) => {
    const stray = Array.from({ length: 200_000 }, (_, index) => `"k${index}":[],`).join('');
    text(stage, (lock) => lock.replace('"artifacts":{', `"artifacts":{${stray}`));
  }),
  attack('a signature of an artifact that is none', 'LOCK_UNKNOWN_KEY', 'halted', (stage) =>
    text(stage, (lock) => lock.replace('"artifacts":{', '"artifacts":{"gamma":[],')),
  ),
  attack('minus zero', 'LOCK_MALFORMED', 'halted', (stage) => sequence(stage, '-0')),
  attack('a number with a leading zero', 'LOCK_MALFORMED', 'halted', (stage) => sequence(stage, '01')),
  attack('a number of 100,000 digits', 'LOCK_VALUE_OUT_OF_RANGE', 'halted', (stage) => sequence(stage, `1${'0'.repeat(99_999)}`)),
  attack('a number as text', 'LOCK_MALFORMED', 'halted', (stage) => sequence(stage, '"1"')),
  attack('a comment', 'LOCK_MALFORMED', 'halted', (stage) => text(stage, (lock) => `/* */${lock}`)),
  attack('a trailing comma', 'LOCK_MALFORMED', 'halted', (stage) => text(stage, (lock) => lock.replace(/}$/, ',}'))),
  attack('NUL at the end', 'LOCK_MALFORMED', 'halted', (stage) => text(stage, (lock) => `${lock}\0`)),
  attack('a control character in a string', 'LOCK_MALFORMED', 'halted', (stage) =>
    text(stage, (lock) => lock.replace('voice-team', 'voice\tteam')),
  ),
  attack('characters that steer a terminal', 'FLEET_MISMATCH', 'halted', (stage) =>
    text(stage, (lock) => lock.replace('voice-team', '\\u001b[2J\\u202eevil')),
  ),
  attack('UTF-16', 'LOCK_MALFORMED', 'halted', (stage) => {
    stage.lock = Buffer.from(`\uFEFF${Buffer.from(stage.lock).toString()}`, 'utf16le');
  }),
  attack('UTF-8 in an overlong form', 'LOCK_MALFORMED', 'halted', (stage) => {
    stage.lock = Buffer.concat([stage.lock.subarray(0, 30), Buffer.of(0xc0, 0xaf), stage.lock.subarray(30)]);
  }),
  attack('an array', 'LOCK_MALFORMED', 'halted', (stage) => text(stage, (lock) => `[${lock}]`)),
  attack('null', 'LOCK_MALFORMED', 'halted', (stage) => text(stage, () => 'null')),
  attack('a DSSE envelope in the lock’s place', 'LOCK_MALFORMED', 'halted', enveloped),
  attack('a day that is none', 'LOCK_MALFORMED', 'halted', (stage) =>
    text(stage, (lock) => lock.replace(/"expires":"[^"]*"/, '"expires":"2030-02-30T00:00:00.000Z"')),
  ),
  attack('digest in capitals', 'LOCK_MALFORMED', 'halted', (stage) =>
    stage.edit(({ manifest: [first] }) => {
      if (first) first.sha256 = first.sha256.toUpperCase();
    }),
  ),
  attack('digest cut short', 'LOCK_MALFORMED', 'halted', (stage) =>
    stage.edit(({ manifest: [first] }) => {
      if (first) first.sha256 = first.sha256.slice(2);
    }),
  ),
  attack('algorithm md5', 'LOCK_MALFORMED', 'halted', (stage) => digest(stage, 'md5:')),
  attack('algorithm none', 'LOCK_MALFORMED', 'halted', (stage) => digest(stage, 'none:')),
  attack('algorithm missing', 'LOCK_MALFORMED', 'halted', (stage) => digest(stage, '')),
  attack('empty manifest', 'LOCK_MALFORMED', 'halted', (stage) => stage.edit((lock) => ({ ...lock, manifest: [] }))),
  attack('null signature', 'SIGNATURE_MALFORMED', 'halted', (stage) => stage.edit((lock) => ({ ...lock, signatures: null }))),
  attack('no signature', 'SIGNATURE_MISSING', 'halted', (stage) =>
    stage.edit((lock) => ({ ...lock, signatures: { ...lock.signatures, lock: [] } })),
  ),
  attack('a policy flag flipped', 'SIGNATURE_INVALID', 'halted', (stage) =>
    text(stage, (lock) => lock.replace('"safe_mode_on_mismatch":true', '"safe_mode_on_mismatch":false')),
  ),
];

/** The same payload and signatures in the form that other signers write. */
function enveloped(stage: Stage): void {
  const { signatures } = JSON.parse(Buffer.from(stage.lock).toString()) as LockFile;
  const payload = Buffer.from(stage.lock).toString('base64');
  stage.lock = Buffer.from(JSON.stringify({ payloadType: LOCK_PAYLOAD_TYPE, payload, signatures: signatures.lock }));
}

/** The lock in one line, changed as text. */
function text(stage: Stage, change: (lock: string) => string): void {
  stage.edit(() => undefined);
  stage.lock = Buffer.from(change(Buffer.from(stage.lock).toString()));
}

function sequence(stage: Stage, value: string): void {
  text(stage, (lock) => lock.replace('"sequence":1', `"sequence":${value}`));
}

function digest(stage: Stage, algorithm: string): void {
  text(stage, (lock) => lock.replace('"digest":"sha256:', `"digest":"${algorithm}`));
}
