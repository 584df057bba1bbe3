// Writes the page of attacks from the attacks themselves: `node test/attacks/write.ts`. A test keeps it fresh.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ATTACKS } from './all.ts';
import { tableOf } from './table.ts';

const PAGE = join(import.meta.dirname, '..', '..', 'ops', 'runbooks', 'attacks.md');
const INTRODUCTION = `# Attacks, findings, and what the fleet does

Each line is a test of the same name in \`test/attacks\`: it first shows that the untouched lock is verified, then makes the one change, and
expects this finding and this mode. At least one attack of each finding is tried on the \`smartlite verify\` process, which must print it and end
with 1; with \`SMARTLITE_ATTACK_PROCESSES=1\` all of them are. With the default policy; what each flag changes stands in
[SECURITY.md](../../SECURITY.md).`;

mkdirSync(dirname(PAGE), { recursive: true });
writeFileSync(PAGE, `${INTRODUCTION}\n\n${tableOf(ATTACKS)}\n`);
