# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Bash completion of hctrace(8).  tests/check-docs compares it with hctrace's own help.

_hctrace_complete() {
	local command='' word i
	local cur=$2 prev=$3
	local commands='live record probe check explain replay report bundle'
	local options='--lb --from --port --protocol --interface --netns --interval --timeout --retries
		--expect-codes --path --host --target --until-healthy --all-traffic --duration --count --btf --buffer --passive --xdp --clsact
		--max-size --save --json --format
		--output --redact --redact-map --color --verbose --version --help'
	local presets='elb elb-dedicated: gcp azure alibaba tencent aws-nlb: aws-alb: haproxy:
		keepalived: envoy: kubelet:'
	local verdicts='healthy no-probe xdp-drop tc-drop firewall-drop firewall-reject conntrack-full
		conntrack-invalid rp-filter martian-source not-local forward-drop policy-drop
		kernel-drop no-listener accept-queue-full syn-queue-full stale-connection
		no-route-back gateway-unreachable wrong-interface reply-dropped reply-rewritten
		reply-lost udp-no-listener unreachable-suppressed icmp-ignored
		socket-buffer-full app-not-accepting app-slow app-closed tcp-wrappers
		http-status not-http tls-alert probe-aborted unknown'

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		[[ " $commands " == *" $word "* ]] && command=$word && break
	done
	# A value behind '=' comes with the '=' as a word of its own.
	[[ $cur == = ]] && cur=''
	[[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD - 2]}

	case $prev in
	--lb)
		mapfile -t COMPREPLY < <(compgen -W "$presets" -- "$cur")
		[[ ${COMPREPLY[*]} == *: ]] && compopt -o nospace 2>/dev/null
		return
		;;
	--protocol) mapfile -t COMPREPLY < <(compgen -W 'tcp http https udp icmp' -- "$cur") && return ;;
	--color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur") && return ;;
	--format) mapfile -t COMPREPLY < <(compgen -W 'text json pcapng html' -- "$cur") && return ;;
	-i | --interface)
		word=$(ls /sys/class/net 2>/dev/null)
		mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
		return
		;;
	--netns)
		word=$(ip netns list 2>/dev/null | cut -d' ' -f1)
		mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
		return
		;;
	--save | --btf | -o | --output | --redact-map | replay) mapfile -t COMPREPLY < <(compgen -f -- "$cur") && return ;;
	--from | --port | --interval | --timeout | --retries | --expect-codes | --path | --host | --target | --duration | -d | \
		--count | -c | --buffer | --max-size) return ;;
	esac
	if [[ $cur == -* ]]; then
		[[ $command == record ]] && options=${options/--save --json --format/} && options=${options/--verbose/}
		[[ $command == bundle ]] && options=${options/--max-size --save --json --format/} && options=${options/--verbose/}
		[[ -n $command && $command != bundle ]] && options=${options/--redact --redact-map/}
		[[ $command == explain ]] && options='--color --version --help'
		[[ $command == replay ]] && options='--json --color --verbose --version --help'
		[[ $command == report ]] && options='--json --format --output --color --verbose --version --help'
		[[ -n $command && $command != probe ]] && options=${options/--host --target --until-healthy/}
		[[ $command == probe ]] && options='--lb --from --port --protocol --interface --netns --interval
			--timeout --expect-codes --path --host --target --until-healthy --duration --count --btf
			--buffer --clsact --json --color --verbose --version --help'
		[[ $command == check ]] && options='--lb --from --port --protocol --interface --netns --json
			--color --version --help'
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
	elif [[ $command == report || $command == bundle ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	elif [[ $command == explain ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$verdicts" -- "$cur")
	elif [[ -z $command ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
	fi
}
complete -F _hctrace_complete hctrace
