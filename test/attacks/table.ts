import type { Attack } from './attack.ts';

const FLEET: Readonly<Record<Attack['mode'], string>> = {
  safe: 'safe mode',
  halted: 'halts; an operator releases it',
};

/** The attacks as the documents show them: name, finding, what the fleet does. */
export function tableOf(groups: Readonly<Record<string, readonly Attack[]>>): string {
  return Object.entries(groups)
    .map(([group, attacks]) => {
      const rows = attacks.map(({ name, code, mode }) => [name, `\`${code}\``, FLEET[mode]]);
      return `## ${group}\n\n${aligned([['attack', 'finding', 'what the fleet does'], ...rows])}`;
    })
    .join('\n\n');
}

function aligned([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
