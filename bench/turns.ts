/** The longest turn of this event loop, in CPU time: for how long others had the CPU is not our doing. */
export function watchTurns(): { longestMs(): Promise<number> } {
  let [longest, isOver, last] = [0, false, process.threadCpuUsage()]
  const turn = (): void => {
    const { user, system } = process.threadCpuUsage(last)
    last = process.threadCpuUsage()
    longest = Math.max(longest, (user + system) / 1_000)
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    async longestMs() {
      await new Promise<void>((resolve) => setImmediate(resolve))
      isOver = true
      return longest
    },
  }
}
