/** Hooks of untrusted plugins by the plugin's name: oclif looks functions up by name on what a file exports. */
declare const module: {exports: unknown}
module.exports = {}
