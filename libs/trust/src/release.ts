/**
 * The release that this code is of, and a day before which it cannot run: committed with the version, so that every build of one commit says the
 * same. No clock is right that is below it. A release moves both; a test holds the version against the package's.
 */
export const RELEASE = { version: '0.1.0', date: '2026-08-01T00:00:00Z' } as const;
