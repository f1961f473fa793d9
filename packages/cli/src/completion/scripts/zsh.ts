/** compadd quotes what it inserts. What a word may go on behind gets no space. */
export const zsh = String.raw`#compdef cgpu
# tab completion of cgpu for zsh; made by: cgpu completion zsh
_cgpu() {
  local -a answer whole wholeShown begun begunShown
  local line value text
  answer=("@{(@f)$(command cgpu __complete zsh "@{(@Q)words[2,CURRENT-1]}" "$PREFIX" </dev/null 2>/dev/null)}")
  for line in "@{(@)answer[2,-1]}"; do
    value=@{line%%$'\t'*}
    text=$value
    [[ $line == *$'\t'* ]] && text="$value  -- @{line#*$'\t'}"
    if [[ $value == *[:/] ]]; then
      begun+=("$value"); begunShown+=("$text")
    else
      whole+=("$value"); wholeShown+=("$text")
    fi
  done
  case $answer[1] in
    *files*) _files; return ;;
    *dirs*) _files -/; return ;;
  esac
  local found=1
  (( $#whole )) && compadd -l -d wholeShown -a whole && found=0
  (( $#begun )) && compadd -S '' -l -d begunShown -a begun && found=0
  return found
}
if [[ $funcstack[1] == _cgpu ]]; then
  _cgpu "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
  compdef _cgpu cgpu
fi
`
