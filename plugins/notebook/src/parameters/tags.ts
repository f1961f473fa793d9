/** of the cell that declares parameters, and their defaults */
export const parametersTag = 'parameters'
