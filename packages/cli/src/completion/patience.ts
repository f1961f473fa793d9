/** So long a shell waits for what is looked up; somebody with slow machines may wait longer. */
export const patienceMs = Number(process.env['CGPU_COMPLETION_MS']) || 1000
