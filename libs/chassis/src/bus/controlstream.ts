import { STREAMS, SUBJECTS } from '@smartlite/contracts';
import { DiscardPolicy, RetentionPolicy, StorageType } from 'nats';

/** Beats and alarms that the log keeps: each lasting entry has a subject of its own, and so is never pushed out by them. */
const LATEST_MAX = 1_000;
const MESSAGE_BYTES_MAX = 512 * 1024;
const STREAM_BYTES_MAX = 1024 ** 3;

/** The control log's stream, the same whoever makes it: a verifier, or an audit service that comes first. */
export function controlStreamConfig(replicas: number) {
  return {
    name: STREAMS.control,
    subjects: [`${SUBJECTS.control}.>`, SUBJECTS.lockAlarm],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    // A full log must refuse new entries, never forget old ones.
    discard: DiscardPolicy.New,
    discard_new_per_subject: false,
    max_msgs_per_subject: LATEST_MAX,
    max_bytes: STREAM_BYTES_MAX,
    max_msg_size: MESSAGE_BYTES_MAX,
    num_replicas: replicas,
    allow_direct: false,
  };
}
