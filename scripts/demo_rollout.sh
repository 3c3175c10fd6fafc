# The rollouts of the demo: versions 2 to 4 on the traffic of August and September. Sourced by scripts/demo, whose functions it uses.

days=$out/days
# What is known of a release: `phase`, `step`, `state`, `compared`, `ready`, `harm`.
about() { p release show "$1" --output json | "$python" scripts/demo_traffic.py "$2"; }

# A day's requests; what became of its flights follows when they have been answered.
day() {
  local requests=$days/requests-$1.jsonl answers=$out/answers-$1.jsonl
  rm -f "$answers"
  p decide batch rebooking-offer --file "$requests" --connections 8 --answers "$answers" --node-url "$url" >"$out/day-$1.txt" || {
    cat "$out/day-$1.txt"
    fail "a request of $1 failed"
  }
  (cd "$example" && "$python" stages/outcomes.py --answers "$answers" --arrivals "$days/arrivals-$1.jsonl" --output "$out/outcomes-$1.jsonl")
  p outcome send rebooking-offer --file "$out/outcomes-$1.jsonl" --node-url "$url" >/dev/null
}

# The days from $1 to $2.
between() { "$python" -c 'import datetime as d,sys; a,b=map(d.date.fromisoformat,sys.argv[1:]); print(*[a+d.timedelta(n) for n in range((b-a).days+1)])' "$1" "$2"; }

# Waits until the control plane has compared what was answered, so that a day of the demo has the length of a day.
caught_up() {
  for _ in $(seq 100); do
    [ "$(about "$1" compared)" -ge "$2" ] && return 0
    [ "$(about "$1" phase)" = exposed ] || return 0
    sleep 0.1
  done
  fail "the control plane did not hear of $2 comparisons of $1: $(about "$1" compared)"
}

# Whether the node itself has stopped a release.
vetoed() {
  "$python" -c 'import json,sys,urllib.request; v=json.load(urllib.request.urlopen(sys.argv[1]+"/v1/status"))["vetoes"]; sys.exit(sys.argv[2] not in [x["release"] for x in v])' "$url" "$1"
}

approve() {
  p release approve "$1" --role reviewer --key "$people/ben.key" >/dev/null
  p release approve "$1" --role risk-owner --key "$people/cleo.key" >/dev/null
  reaches "$1" exposed
  serves "$1"
}

# Sends days until the release is off the step that it is on, or its phase changes.
until_off() {
  local release=$1 first=$2 last=$3 before step now sent
  before=$(about "$release" step)
  for today in $(between "$first" "$last"); do
    sent=$(about "$release" compared)
    day "$today"
    caught_up "$release" $((sent + $(wc -l <"$days/requests-$today.jsonl")))
    next_day=$(date -u -d "$today + 1 day" +%F)
    now=$(about "$release" phase)
    step=$(about "$release" step)
    printf '   %s  %-12s %s\n' "$today" "$step" "$(about "$release" state | cut -c 1-100)"
    [ "$now" = exposed ] || return 0
    [ "$step" = "$before" ] || return 0
    [ "$(about "$release" ready)" = no ] || return 0
  done
  fail "$release is still on '$before' after $last: $(about "$release" state)"
}
next_day=""

say "6. Version 2, trained until July, goes shadow → 5 % → 25 % → live under the traffic of August"
run_pipeline requests --set requests.first=2013-08-01 --set requests.last=2013-09-30 --set requests.outages=2013-09-05/2013-09-08,2013-09-13/2013-09-30 \
  --output json >"$root/.demo/run.json"
"$python" scripts/demo_traffic.py split "$(artifact requests requests)" "$(artifact requests arrivals)" "$days"
run_pipeline train --set until=2013-07-31 --output json >"$root/.demo/run.json"
p registry add --name flight-delay --model "$(artifact train model)" --contract "$example/contracts/training.yaml" --key "$people/ada.key" >/dev/null
propose() { p release propose "$1" --key "$people/ada.key" --reason "$2" --expected-change "$3" "${files[@]}"; }
refused "a proposal without an evaluation" "there is no fresh evaluation" propose flight-delay@2 "a month more" "none"
p registry evaluate flight-delay@2 --data "$(artifact features holdout)" >/dev/null
propose flight-delay@2 "a month more to learn from" "none" >/dev/null
approve rebooking-offer-2
serves 0
held "version 2 is in shadow: it answers nothing, and is compared"
until_off rebooking-offer-2 2013-08-11 2013-08-15
[ "$(about rebooking-offer-2 step)" = "canary 5 %" ] || fail "version 2 is not on its 5 %: $(about rebooking-offer-2 state)"
serves 0.05
held "the controller gives it 5 % by itself, as the policy lets it"
forged raised-share "step 1 of its approved plan allows 0.05 at most"
stop_node
cp "$root/.demo/table.good" "$node_home/table.json"
up >/dev/null
serves 0.05
held "a routing table (raised-share), signed with the control plane's own key, is refused"
day "$next_day"
printf '   %s  the control plane is away from here on\n' "$next_day"
kill -9 "$(pid control)"
sleep 11
away=$(date -u -d "$next_day + 1 day" +%F)
serves 0
day "$away"
if grep -q "rebooking-offer-2" "$out/day-$away.txt"; then fail "the candidate answered without a lease"; fi
held "the control plane is away for longer than the lease: the candidate answers nothing, the champion everything"
up >/dev/null
serves 0.05
until_off rebooking-offer-2 "$(date -u -d "$away + 1 day" +%F)" 2013-08-24
[ "$(about rebooking-offer-2 step)" = "canary 25 %" ] || fail "version 2 is not on its 25 %: $(about rebooking-offer-2 state)"
held "it is back, and the release goes on: 25 %"
refused "a promotion while it is not proved" "cannot be promoted" p release promote rebooking-offer-2 --key "$people/cleo.key" --reason "in a hurry"
until_off rebooking-offer-2 "$next_day" 2013-08-31
refused "a promotion by the proposer" "ada" p release promote rebooking-offer-2 --key "$people/ada.key" --reason "it is mine"
p release show rebooking-offer-2
# The swap, under traffic.
p decide batch rebooking-offer --file "$july" --connections 4 --node-url "$url" >"$out/swap.txt" &
swap=$!
sleep 1
p release promote rebooking-offer-2 --key "$people/cleo.key" --reason "no worse on a thousand flights" >/dev/null
wait "$swap" || { cat "$out/swap.txt"; fail "a request failed while version 2 went live"; }
reaches rebooking-offer-2 live
head -n 1 "$out/swap.txt"
grep -q "rebooking-offer-1" "$out/swap.txt" && grep -q "rebooking-offer-2" "$out/swap.txt" || fail "the swap was not under traffic"
held "a person promotes it to live under traffic, and no request fails"

say "7. Version 3 passes every gate. Its feed stops on September 5, and it becomes harmful"
run_on_time() { (cd "$project" && p run --key "$people/ada.key" --file penstock-on-time.yaml "$@"); }
run_on_time >/dev/null
propose flight-delay@3 "the operations feed knows more than delays" "none" >/dev/null
approve rebooking-offer-3
until_off rebooking-offer-3 2013-09-01 2013-09-04
[ "$(about rebooking-offer-3 step)" = "canary 5 %" ] || fail "version 3 is not on its 5 %: $(about rebooking-offer-3 state)"
until_off rebooking-offer-3 "$next_day" 2013-09-06
reaches rebooking-offer-3 "rolled back"
p release show rebooking-offer-3
printf '   %s\n' "$(about rebooking-offer-3 harm)"
held "a guardrail sees the harm, and version 3 is rolled back by itself"
refused "the same release proposed again" "made the same change" propose flight-delay@3 "once more" "none"

say "8. Version 4 is its like; the control plane is killed just before the feed stops on September 13"
run_on_time --set train.trees=350 --set train.seed=11 >/dev/null
propose flight-delay@4 "more trees" "none" >/dev/null
approve rebooking-offer-4
until_off rebooking-offer-4 2013-09-09 2013-09-12
[ "$(about rebooking-offer-4 step)" = "canary 5 %" ] || fail "version 4 is not on its 5 %: $(about rebooking-offer-4 state)"
for today in $(between "$next_day" 2013-09-12); do day "$today"; done
serves 0.05
kill -9 "$(pid control)"
for today in $(between 2013-09-13 2013-09-15); do
  day "$today"
  next_day=$(date -u -d "$today + 1 day" +%F)
  if vetoed rebooking-offer-4; then break; fi
done
vetoed rebooking-offer-4 || fail "the node did not stop version 4 by itself"
grep -q "rebooking-offer-4" "$out/day-2013-09-13.txt" || fail "version 4 answered nothing on the day its feed stopped"
p decide batch rebooking-offer --file "$days/requests-$next_day.jsonl" --connections 8 --node-url "$url" | tee "$out/after-veto.txt"
if grep -q "rebooking-offer-4" "$out/after-veto.txt"; then fail "the vetoed candidate answers"; fi
grep -h "rebooking-offer-4.*vetoe\|vetoe.*rebooking-offer-4" "$run/node-1.log" | tail -n 1 | cut -c 1-300
held "without a control plane the node itself stops version 4"
up >/dev/null
reaches rebooking-offer-4 "rolled back"
printf '   %s\n' "$(about rebooking-offer-4 harm)"
held "after the restart the release is rolled back"
p release dossier rebooking-offer-3 --to "$root/.demo/rebooking-offer-3.html"
