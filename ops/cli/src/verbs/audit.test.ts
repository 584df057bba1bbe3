import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { registerAudit } from './audit.ts';

describe('smartlite audit', () => {
  it('reads: it has no command that changes or removes anything of the trail', () => {
    const program = new Command();
    registerAudit(program);
    const [audit] = program.commands;
    expect(audit?.commands.map((command) => command.name())).toEqual(['query', 'verify', 'prove']);
  });
});
