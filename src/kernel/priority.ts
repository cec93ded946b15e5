import koffi from 'koffi'

const cSetpriority = koffi.load('libc.so.6').func('int setpriority(int which, uint32_t who, int nice)')
const PRIO_PROCESS = 0

/**
 * Makes the calling thread run before others: `nice` from 19 (last) to -20 (setpriority(2); on Linux it is of the
 * thread). False when the kernel does not allow it.
 */
export const setThreadNice = (nice: number): boolean => cSetpriority(PRIO_PROCESS, 0, nice) === 0
