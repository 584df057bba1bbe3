// Runs in the browser's audio thread: hands each block of samples on.
class Microphone extends AudioWorkletProcessor {
  process([[channel] = []]) {
    if (channel) this.port.postMessage(channel.slice());
    return true;
  }
}
registerProcessor('microphone', Microphone);
