import type { Platform } from '@smartlite/chassis';
import type { Mode, SecurityAlert } from '@smartlite/contracts';
import type { SigningKey } from '@smartlite/trust';
import type { AlertSender, Tell } from './engine.ts';
import { type KeyNews, KeyWatch } from './keynews.ts';
import { passes, type Report } from './report.ts';
import type { StateNews } from './statekeeper.ts';

/** From the broadcast of a decision to an instance's ack; the mark is milliseconds, a lease the worst that may be. */
const DELAY_BUCKETS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/** Findings of one verification that are told one by one: an event must fit into a message of any NATS, and an entry into the trail. */
const FINDINGS_TOLD_MAX = 100;

/** Tells events, security, the audit trail and the metrics. `keepState` is told what the lock file should say of the runtime. */
export function teller(platform: Platform, keepState: (news: StateNews) => void, sender: AlertSender | null): Tell {
  const { bus, trail, log, metrics, clock } = platform;
  const alerts = metrics.counter('security_alerts_total', 'Security alerts raised, by severity', ['severity']);
  const alert = (severity: SecurityAlert['severity'], title: string, reasons: readonly string[], mode: Mode) => {
    alerts.inc({ severity });
    bus.alert(severity, title, reasons);
    sender?.send({ atUnixMs: clock.nowMs(), severity, title, reasons, mode });
  };
  const delays = metrics.histogram(
    'lock_propagation_seconds',
    'From the broadcast of a decision to an ack of it',
    ['service'],
    DELAY_BUCKETS_SECONDS,
  );
  const keyFrom = metrics.gauge(
    'signing_key_valid_from_seconds',
    'Unix time from which the certificate of the signing key holds',
  );
  const keyUntil = metrics.gauge(
    'signing_key_valid_until_seconds',
    'Unix time until which the certificate of the signing key holds',
  );
  const keys = new KeyWatch();
  let leads = false;
  const tellKey = (key: SigningKey) => {
    keyFrom.set(key.fromUnixMs / 1_000);
    keyUntil.set(key.toUnixMs / 1_000);
    // Every verifier sees it; the leader tells it.
    for (const news of keys.take(key, clock.nowMs())) if (leads) publishKey(news);
  };
  const publishKey = (news: KeyNews) => {
    const { keyId, toUnixMs } = news.key;
    const validUntil = new Date(toUnixMs).toISOString();
    if (news.kind === 'rotated') return bus.publishEvent('key.rotated', { keyId, validUntil });
    const { stage, daysLeft } = news;
    log.warn('the signing key is near its end', { keyId, validUntil, daysLeft });
    bus.publishEvent('key.expiring', { keyId, validUntil, daysLeft });
    if (stage === 'alert') alert('critical', `the signing key ends in ${daysLeft} days`, [`key ${keyId.slice(0, 16)}`], 'normal');
  };
  const leading = metrics.gauge('verifier_leading', '1 while this verifier leads');
  const verifications = metrics.counter('verifications_total', 'Full verifications by their outcome', ['outcome']);
  return {
    modeChanged(from, { mode, epoch, revision, reasons, lockSequence }) {
      log.info('the fleet changes its mode', { from, to: mode, epoch, revision, reasons });
      bus.publishEvent('mode.changed', { from, to: mode, epoch, revision, reasons });
      trail.record('mode.changed', { from, to: mode, epoch, revision, reasons, lockSequence });
      if (mode !== 'normal')
        alert('critical', mode === 'halted' ? 'the fleet is halted' : 'the fleet is in safe mode', reasons, mode);
      else if (from !== 'starting') alert('warning', 'the fleet serves again', [], mode);
      keepState({ mode, reasons });
    },
    verified(report) {
      tellReport(platform, report);
      if (report.signingKey !== undefined) tellKey(report.signingKey);
      verifications.inc({ outcome: passes(report) ? 'passed' : 'failed' });
      keepState({ report });
    },
    reign(epoch, because) {
      log.info(epoch === null ? 'this verifier leads no more' : 'this verifier leads', { epoch, because });
      leads = epoch !== null;
      leading.set(epoch === null ? 0 : 1);
      keepState({ leading: epoch !== null });
    },
    ackDelay: (service, delayMs) => delays.observe({ service }, delayMs / 1_000),
    lagging(late) {
      log.warn('an instance has not applied the lock status', late);
      bus.publishEvent('instance.lagging', late);
    },
  };
}

function tellReport({ bus, trail, instance, log }: Platform, report: Report): void {
  const { lockSequence, findings, artifacts, tookMs } = report;
  const told = findings.slice(0, FINDINGS_TOLD_MAX);
  const facts = told.map(({ code, artifact, message }) => ({ code, artifact: artifact === '' ? null : artifact, message }));
  if (passes(report)) {
    bus.publishEvent('verification.passed', { lockSequence: lockSequence ?? 0, artifacts: artifacts.length, tookMs });
  } else {
    log.error('a full verification has failed', { findings: facts, findingCount: findings.length });
    const mode = findings.some(({ effect }) => effect === 'halted') ? 'halted' : 'safe';
    bus.publishEvent('verification.failed', { lockSequence, findings: facts, mode });
    for (const { artifact, code } of told)
      if (artifact !== '') bus.publishEvent('artifact.quarantined', { artifact, code, instance });
  }
  const kind = passes(report) ? 'verification.passed' : 'verification.failed';
  trail.record(kind, {
    lockSequence,
    lockDigest: report.lockDigest,
    artifacts: artifacts.length,
    tookMs,
    findingCount: findings.length,
    findings: told.map(({ code, artifact }) => `${code} ${artifact}`.trim()),
  });
}
