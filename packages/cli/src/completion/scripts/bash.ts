/**
 * bash hands over its line as it stands, and cgpu answers with what is to be inserted: quoted, and without what bash's line editor
 * takes for finished, as `trainer:` of `trainer:data`. Works with bash 3.2, and without the bash-completion package.
 */
export const bash = String.raw`# tab completion of cgpu for bash; made by: cgpu completion bash
_cgpu_complete() {
  local line=@{COMP_LINE:0:COMP_POINT} asked='' value
  [[ -n $line ]] || line="@{COMP_WORDS[*]:0:COMP_CWORD+1}"
  COMPREPLY=()
  {
    IFS= read -r asked
    while IFS= read -r value; do COMPREPLY[@{#COMPREPLY[@]}]=$value; done
  } < <(command cgpu __complete bash "$COMP_WORDBREAKS" "$line" </dev/null 2>/dev/null)
  case $asked in
    *nospace*) compopt -o nospace 2>/dev/null ;;
    *files*) compopt -o default 2>/dev/null || _cgpu_paths -f ;;
    *dirs*) compopt -o dirnames 2>/dev/null || _cgpu_paths -d ;;
  esac
}
_cgpu_paths() {
  local value
  while IFS= read -r value; do
    printf -v value %q "$value"
    COMPREPLY[@{#COMPREPLY[@]}]=$value
  done < <(compgen "$1" -- "@{COMP_WORDS[COMP_CWORD]}")
}
complete -F _cgpu_complete cgpu
`
