export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/**
 * bash cuts words at `:` and `=` where COMP_WORDBREAKS has them: they are put together again for cgpu, and what bash takes
 * for finished is cut off from the answers. Works with bash 3.2, without the bash-completion package.
 */
const bash = String.raw`# tab completion of cgpu for bash; made by: cgpu completion bash
_cgpu_complete() {
  local words=() count=0 word rest i line glued full prefix='' answer value
  if [[ -n $COMP_LINE ]]; then
    rest=@{COMP_LINE:0:COMP_POINT}
    for ((i = 0; i <= COMP_CWORD; i++)); do
      glued=1
      while [[ $rest == [[:space:]]* ]]; do rest=@{rest:1}; glued=0; done
      word=@{COMP_WORDS[i]}
      if ((i == COMP_CWORD)); then word=$rest; else rest=@{rest#"$word"}; fi
      if ((i > 0 && glued)); then words[count - 1]+=$word; else words[count++]=$word; fi
    done
  else
    words=("@{COMP_WORDS[@]:0:COMP_CWORD+1}")
    count=@{#words[@]}
  fi
  full=@{words[count - 1]}
  if [[ $full == *:* && $COMP_WORDBREAKS == *:* ]]; then prefix=@{full%"@{full##*:}"}; fi
  if [[ $full == *=* && $COMP_WORDBREAKS == *=* && @{#prefix} -eq 0 ]]; then prefix=@{full%"@{full##*=}"}; fi
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :nospace) compopt -o nospace 2>/dev/null ;;
      :files)
        compopt -o filenames 2>/dev/null
        while IFS= read -r answer; do COMPREPLY+=("$answer"); done < <(compgen -f -- "@{full#"$prefix"}") ;;
      :dirs)
        compopt -o filenames 2>/dev/null
        while IFS= read -r answer; do COMPREPLY+=("$answer"); done < <(compgen -d -- "@{full#"$prefix"}") ;;
      *)
        value=@{line%%$'\t'*}
        value=@{value#"$prefix"}
        printf -v value '%q' "$value"
        COMPREPLY+=("$value") ;;
    esac
  done < <(cgpu __complete bash "@{words[@]:1}" 2>/dev/null)
}
complete -F _cgpu_complete cgpu
`

const zsh = String.raw`#compdef cgpu
# tab completion of cgpu for zsh; made by: cgpu completion zsh
_cgpu() {
  local -a lines values shown extra
  local line value about
  lines=("@{(@f)$(cgpu __complete zsh "@{(@Q)words[2,CURRENT-1]}" "@{(Q)PREFIX}" 2>/dev/null)}")
  for line in $lines; do
    case $line in
      :nospace) extra=(-S '') ;;
      :files) _files ;;
      :dirs) _files -/ ;;
      ?*)
        value=@{line%%$'\t'*}
        about=@{line#*$'\t'}
        values+=("$value")
        if [[ $line == *$'\t'* ]]; then shown+=("$value  -- $about"); else shown+=("$value"); fi ;;
    esac
  done
  (($#values)) && compadd $extra -l -d shown -a values
}
if [[ $funcstack[1] == _cgpu ]]; then _cgpu "$@"; else compdef _cgpu cgpu; fi
`

const fish = String.raw`# tab completion of cgpu for fish; made by: cgpu completion fish
function __cgpu_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (cgpu __complete fish $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':nospace'
            case ':files' ':dirs'
                __fish_complete_path "$current"
            case '*'
                echo $line
        end
    end
end
complete -c cgpu -f -a '(__cgpu_complete)'
`

// `@{` stands for `${`, which a template would take for its own
const scripts: Record<Shell, string> = {bash, zsh, fish}
export const completionScript = (shell: Shell): string => scripts[shell].replaceAll('@{', '${')

/** What to do once, so that the shell knows. */
export const installLines: Record<Shell, string> = {
  bash: 'echo \'eval "$(cgpu completion bash)"\' >> ~/.bashrc',
  zsh: 'mkdir -p ~/.zfunc && cgpu completion zsh > ~/.zfunc/_cgpu   (with fpath=(~/.zfunc $fpath) before compinit in ~/.zshrc)',
  fish: 'cgpu completion fish > ~/.config/fish/completions/cgpu.fish',
}
