/** What an instance has acknowledged last. */
export interface AppliedFact {
  readonly instance: string;
  readonly mode: string;
  readonly epoch: number;
  readonly revision: number;
  /** From the leader's broadcast to the ack; null where it is not known. */
  readonly delayMs: number | null;
}

/** Whether an instance has applied the decision in force, and how fast. */
export interface Applied {
  readonly revisionApplied: number | null;
  readonly applied: boolean;
  readonly delayMs: number | null;
}

/** Compares what an instance has acknowledged with the decision that the fleet was told last. */
export function appliedBy(
  instance: string,
  facts: readonly AppliedFact[],
  decision: { readonly epoch: number; readonly revision: number } | undefined,
): Applied {
  const fact = facts.find((each) => each.instance === instance);
  if (fact === undefined || decision === undefined)
    return { revisionApplied: fact?.revision ?? null, applied: false, delayMs: null };
  const applied = fact.epoch > decision.epoch || (fact.epoch === decision.epoch && fact.revision >= decision.revision);
  return { revisionApplied: fact.revision, applied, delayMs: applied ? fact.delayMs : null };
}
