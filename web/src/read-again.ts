/** Reads at once, and again every so often while somebody looks, until the answer is called. */
export function readAgain(read: () => unknown, everyMs: number): () => void {
  read()
  const timer = setInterval(() => !document.hidden && read(), everyMs)
  return () => clearInterval(timer)
}
