/** The id of the job whose notebook is followed by whoever calls this command: it tells of the end itself, and knows more of it. */
export const followedVariable = 'CGPU_NOTEBOOK_FOLLOWED'
