import koffi from 'koffi'

const cSetpriority = koffi.load('libc.so.6').func('int setpriority(int which, uint32_t who, int nice)')
const PRIO_PROCESS = 0
const AHEAD_OF_OTHERS = -20

/** Of this thread: each thread has this module for itself. */
let isAhead = false

/**
 * Makes the calling thread run before others: `nice` from 19 (last) to -20 (setpriority(2); on Linux it is of the
 * thread). False when the kernel does not allow it.
 */
export const setThreadNice = (nice: number): boolean => cSetpriority(PRIO_PROCESS, 0, nice) === 0

/**
 * For the threads between a packet and its block: an attack that keeps the machine busy must not delay what ends it.
 * Without privilege nothing changes.
 */
export function goAhead(): void {
  isAhead = setThreadNice(AHEAD_OF_OTHERS)
}

/** What a thread starts runs as eagerly as itself: programs are started by this, and wait their turn like others. */
export function asOthers<Started>(start: () => Started): Started {
  if (!isAhead) return start()
  setThreadNice(0)
  try {
    return start()
  } finally {
    setThreadNice(AHEAD_OF_OTHERS)
  }
}
