// A process that does nothing but answer: what a hop to another process costs, and how long the end of one goes unheard.
process.on('message', (message) => {
  if (message === 'end') process.exit(3);
  process.send?.(message);
});
