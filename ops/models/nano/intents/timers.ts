import { smallNumber } from '../words.ts';
import { fixed, type Intent } from './intent.ts';

/** Timers of the session: set, cancel, and how long is left. */
export const TIMERS: readonly Intent[] = [
  {
    name: 'timer-set',
    weight: 9,
    patterns: [
      '!(set|start|make|create|put|begin|run|give me|add|open) (a|the|my|me a|another|a new|an) [kitchen|egg|countdown|cooking] (timer|countdown|alarm|stopwatch) (for|of|to|on|with|at|that runs|running|lasting|in) {n} {u} [from now]',
      '!(set|start|make|create|put|give me|begin|run) (a|my|me a|another|the) {n} {s} [kitchen|egg|tea|new] (timer|countdown|alarm) [now]',
      '(timer|alarm|countdown|new timer|a timer|another timer|one timer) [for|of|in|on] {n} {u} [please|now]',
      '{n} {s} (timer|countdown|alarm|on the clock|on the timer) [please|now]',
      '{n} {u} (on the clock|on the timer|timer) [please|now]',
      '!(set|start|put) (the|my) (timer|clock|alarm|countdown) (for|to|at|on) {n} {u}',
      '!(put|set) {n} {u} on (the|a|my) (clock|timer|countdown)',
      '!(remind|alert|wake|notify|warn|call|ping|tell|beep|nudge) me (in|after) {n} {u} [from now|please]',
      '!(wake me up|give me a signal|let me know|give me a call|make a sound|make a noise|beep|alarm me|sound the alarm|go off|remind me|give me a sign) (in|after) {n} {u}',
      '!(tell|remind|alert|notify|let) me [know] when {n} {u} (are over|have passed|are up|are gone|is over|is up|have elapsed|are done|went by|passed)',
      '!(count|time|clock|measure) [down] {n} {u} [for me|please|from now]',
      '!(start|do|begin) (a countdown of|counting down|a count down of|timing) {n} {u}',
      'i (need|want|would like) (a|another) (timer|alarm|countdown|reminder) (for|of|in|with|that rings in|that rings after) {n} {u}',
      'i (need|want|would like) a {n} {s} (timer|alarm|countdown)',
      'i (need|have|want) to (leave|stop|go|check the oven|take it out|be there|call back) in {n} {u} (set a timer|remind me|tell me when)',
      'i am (cooking|baking|boiling|making) (pasta|rice|tea|a cake|bread|potatoes|soup|a pizza|an egg) (set a timer for|timer for|remind me in|for|tell me in|let me know in) {n} {u}',
      'the (pasta|rice|tea|cake|bread|pizza|chicken) (needs|takes|wants) {n} {u} [set a timer|start a timer|tell me when it is done|remind me]',
      '?(can|could|will|would) you (set|start|make|run) (it|one|a timer) for {n} {u}',
      '(ring|beep|an alarm|a reminder|reminder|wake up call) (in|after) {n} {u}',
      'in {n} {u} (remind me|tell me|wake me|ring|let me know|alert me|call me|beep|make a noise)',
      '!(wake|call|tell|ring|alert|poke|shout at|buzz|notify|inform|signal|warn) me [up] (in|after) {n} {u}', '{n} {u} (then|and then) (ring|beep|wake me|tell me|alert me|remind me)', '!give me {n} {u} [on the timer|then ring]', '!(run|keep|hold) (a|the) (clock|timer) for {n} {u}', 'after {n} {u} (ring|beep|tell me|wake me|let me know|remind me)', '!(go|start) {n} {u} [timer|countdown]', '!(time|measure|clock) (me|this|it) for {n} {u}', '!let the timer (run|count|go) [for] {n} {u}',
      '!(set|create|make) a (reminder|alarm) (for|in|to ring in|to go off in|that rings in|after) {n} {u}',
    ],
    fill(chance) {
      const unit = chance.pick(['second', 'minute', 'minute', 'minute', 'hour']);
      const n = chance.happens(0.1) ? '1' : smallNumber(chance);
      const u = n === '1' ? unit : `${unit}s`;
      const s = chance.happens(0.75) ? unit : `${unit}s`;
      return { slots: { n, u, s }, answer: `<timer set ${n} ${unit}>` };
    },
  },
  fixed('timer-cancel', '<timer cancel>', [
    '!(cancel|stop|end|delete|remove|clear|turn off|switch off|abort|drop|kill|quit|shut off|dismiss|reset|interrupt|erase|disable|forget|scrap|discard|silence) (the|my|that|this|the running|the current|the last|all|any) (timer|timers|countdown|alarm|reminder) [now|please|again]',
    '!(throw away|lose|take away|take off|wipe|undo|revoke|ditch) (the|my|that) (timer|countdown|alarm)', '(enough|done) with the (timer|countdown|alarm)', 'the (timer|alarm|countdown) (bothers|annoys) me (stop|cancel) it', '!(turn|switch|shut|call) (the|my|that) (timer|countdown|alarm) off',
    '(timer|alarm|countdown) (off|stop|cancel|end|away)',
    '(cancel|stop|end|no more) (timer|countdown|alarm)',
    'i (do not|no longer) need (the|my|that|a|this) (timer|alarm|countdown|reminder) [any more|anymore|now|any longer]',
    'the (timer|alarm|countdown) is (no longer needed|not needed|not necessary|useless) [any more|anymore|now]',
    '(forget|never mind|cancel|scratch|skip|leave) (about the|the|about my|my) (timer|alarm|countdown|reminder)',
    '!(make|let) the (timer|alarm|countdown) (stop|end|go away)',
    'no (more timer|timer|timer any more|more alarm) [please]',
    '?(can|could|will|would) you (stop|cancel|delete|turn off) (it|the timer|my timer|the countdown)',
    'the timer (can stop|can go|can be cancelled|should stop|must stop)',
    '!do not (run|ring|continue|keep) the (timer|alarm|countdown)',
  ], 3),
  fixed('timer-left', '<timer left>', [
    '?how (much|many minutes|many seconds|much time|long) (is left|are left|remains|is still left|remain|left|does it have|is there left) (on|of|for|in|with|until the end of) (the|my|this) (timer|countdown|clock|alarm)',
    '?how (long|much longer|much time|many minutes|many seconds) (does|will|has|is) (the|my) (timer|countdown|alarm) (run|have|take|last|need|going to take|going to run|got|have left|still run|still have|go on|still need) [left|still]',
    '?how (long|much time|many minutes|many seconds|much longer) (until|till|before) (the|my) (timer|alarm|countdown) (ends|rings|goes off|is done|is over|is up|finishes|stops|runs out|beeps)',
    '?when (will|does|is) (the|my) (timer|alarm|countdown) (end|ring|go off|over|done|finish|finished|run out|up|stop|ready|due)',
    '?what is (left on|the time left on|the state of|remaining on|the status of) (the|my) (timer|countdown|alarm)',
    '(timer|time on the timer|timer time|countdown) (left|remaining|status)',
    '?is the (timer|alarm|countdown) (done|over|still running|running|finished|still going|still on|up) [yet|already|now]',
    '(time left|remaining time|how much time left|minutes left) [on the timer|please]',
    '!(tell|show|give) me (the time left|how much time is left|how long is left|what is left|the remaining time) [on (the|my) (timer|countdown)|of the timer]',
    '?how (is|far is) (the|my) (timer|countdown|alarm) [doing|going|along|now]',
    '?how (does it look|do we stand|are we doing) (with|on) the (timer|countdown)', '?how many (minutes|seconds) (are|remain|stay) (on|in) the (timer|clock|countdown)', '?(will|does) the (timer|alarm) (ring|end|finish|go off) soon', '!check (the|my) (timer|countdown|alarm)',
    '?do i (still|) have (time|any time|a timer|a timer running) [left|left on the timer|running|on the timer]',
    '?(are|is) there (any timers|a timer|any timer|a countdown|any time) (running|left|active|on|still running)',
    '?how (many minutes|long|much time) (do i have|have i got|is it|does that leave me) [left|still] (on the timer|until the timer rings|before the timer rings|on the clock)',
  ], 3),
];
