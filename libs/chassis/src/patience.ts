/** Looks at the clock until patience is over. */
const LOOKS = 10;

/**
 * Calls `over` once `ms` of this process's own time have passed; returns what ends the wait. A look that comes late, for the process
 * stood still or had too much to do, counts as one: what others have answered meanwhile is read before they are called silent. For
 * waits on others alone: leases end by clocks, whoever stood still.
 */
export function afterPatience(ms: number, over: () => void): () => void {
  let looks = 0;
  const looking = setInterval(() => {
    looks += 1;
    if (looks < LOOKS) return;
    clearInterval(looking);
    over();
  }, ms / LOOKS);
  return () => clearInterval(looking);
}
