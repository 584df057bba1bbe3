// The operator's page. No framework, no foreign code; whatever comes from outside is shown as text.

const POLL_MS = 2_000;
const $ = (id) => document.getElementById(id);

function row(values) {
  const line = document.createElement('tr');
  for (const value of values) line.append(Object.assign(document.createElement('td'), { textContent: String(value) }));
  return line;
}

async function show() {
  try {
    const status = await (await fetch('/status')).json();
    setMode(status.mode);
    $('lock').textContent =
      status.lockSequence === null
        ? 'no lock status yet'
        : `lock ${status.lockSequence}, ${status.lockDigest}, status ${status.order}`;
    $('reasons').textContent = status.reasons.join(', ');
    $('instances').replaceChildren(
      ...status.instances.map((each) =>
        row([each.service, each.instance, each.region, each.mode, each.inflight, each.models.join(', ')]),
      ),
    );
    $('turns').replaceChildren(
      ...status.turns.map((turn) =>
        row([new Date(turn.atUnixMs).toLocaleTimeString(), turn.outcome, turn.models.join(', '), turn.llmTokens, turn.traceId]),
      ),
    );
  } catch {
    setMode('unreachable');
  }
  setTimeout(() => void show(), POLL_MS);
}

function setMode(mode) {
  $('mode').textContent = mode;
  $('mode').className = `mode ${mode}`;
}

async function ask(body, type) {
  for (const id of ['heard', 'answer', 'receipt']) $(id).textContent = '';
  const headers = { authorization: `Bearer ${$('key').value}`, 'content-type': type };
  const response = await fetch('/v1/voice/turns', { method: 'POST', headers, body });
  if (!response.ok) {
    const { error } = await response.json();
    $('receipt').textContent = `${response.status} ${error.reason}: ${error.message}`;
    return;
  }
  const speaker = new Speaker();
  for await (const { event, data } of eventsOf(response.body)) hear(event, data, speaker);
}

function hear(event, data, speaker) {
  if (event === 'transcript.partial' || event === 'transcript.final') $('heard').textContent = data.text;
  if (event === 'answer.delta') $('answer').textContent += data.text;
  if (event === 'audio') speaker.play(data.pcm, data.rate_hz);
  if (event === 'error') $('receipt').textContent = `${data.error.reason}: ${data.error.message}`;
  if (event === 'done') {
    const by = Object.values(data.servedBy).map((each) => each?.model);
    const spoken = `first sound after ${data.latencyMs.firstAudio} ms`;
    $('receipt').textContent = `${by.join(', ')}; ${spoken}; trace ${data.traceId}; audit ${data.audit}`;
  }
}

async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const blocks = (rest + next.value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const [event, data] = block.split('\n');
      yield { event: event.slice('event: '.length), data: JSON.parse(data.slice('data: '.length)) };
    }
  }
}

/** Plays pieces one after the other as they come. */
class Speaker {
  #context = new AudioContext();
  #at = 0;

  play(base64, rateHz) {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const samples = new Int16Array(bytes.buffer);
    const buffer = this.#context.createBuffer(1, samples.length, rateHz);
    buffer.getChannelData(0).set(Float32Array.from(samples, (sample) => sample / 32_768));
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.connect(this.#context.destination);
    this.#at = Math.max(this.#at, this.#context.currentTime);
    source.start(this.#at);
    this.#at += buffer.duration;
  }
}

/** Records until it is stopped. */
class Recorder {
  #blocks = [];

  async start() {
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    this.context = new AudioContext();
    await this.context.audioWorklet.addModule('/console-microphone.js');
    const node = new AudioWorkletNode(this.context, 'microphone');
    node.port.onmessage = ({ data }) => this.#blocks.push(data);
    this.context.createMediaStreamSource(this.stream).connect(node);
  }

  /** What was recorded, as s16le, and its rate. */
  async stop() {
    for (const track of this.stream.getTracks()) track.stop();
    const rateHz = this.context.sampleRate;
    await this.context.close();
    const samples = this.#blocks.flatMap((block) => [...block]);
    const pcm = Int16Array.from(samples, (sample) => Math.max(-1, Math.min(1, sample)) * 32_767);
    return { pcm, rateHz };
  }
}

let recorder;
async function toggleMicrophone() {
  if (!recorder) {
    recorder = new Recorder();
    await recorder.start();
    $('microphone').textContent = 'Stop, and ask';
    return;
  }
  const { pcm, rateHz } = await recorder.stop();
  recorder = undefined;
  $('microphone').textContent = 'Speak';
  await ask(pcm, `audio/l16;rate=${rateHz}`);
}

function told(work) {
  work.catch((error) => ($('receipt').textContent = `It did not work: ${error.message}`));
}

$('talk').addEventListener('submit', (event) => {
  event.preventDefault();
  const [file] = $('file').files;
  if (file) told(ask(file, 'application/octet-stream'));
  else $('receipt').textContent = 'Choose a recording first, or speak.';
});
$('microphone').addEventListener('click', () => {
  if ($('talk').reportValidity()) told(toggleMicrophone());
});
void show();
