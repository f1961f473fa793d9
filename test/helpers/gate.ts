/** A Python program that waits for the file that its first argument names, then ends with the status that is its second: nothing depends on how long anything takes. */
export const gate = `import os, sys, time
print('first', flush=True)
print('to stderr', file=sys.stderr, flush=True)
while not os.path.exists(sys.argv[1]): time.sleep(0.02)
print('second', flush=True)
open('made.txt', 'w').write('made')
sys.exit(int(sys.argv[2]))
`

/** One line of Python for a cell that waits until the file is there, with as little to do with the time that anything takes. */
export const untilThere = (path: string): string =>
  `import os, time; _ = any(time.sleep(0.02) for _ in iter(lambda: os.path.exists(${JSON.stringify(path)}), True))`
