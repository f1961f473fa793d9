// the commands are found by oclif; nothing is imported from here
export {}
