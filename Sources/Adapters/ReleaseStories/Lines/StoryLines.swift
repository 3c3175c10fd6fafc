// A release as people read it in a terminal of a hundred columns.
private import Guardrails
internal import Ports
internal import Primitives
internal import Releases

extension ReleaseStory {
    /// Header, plan, guardrails, people, evidence, history. `everyStep` draws the steps before the current one in full, too.
    package func lines(everyStep: Bool = false) -> [StoryLine] {
        [header, plan, guardrails(everyStep), asked, aftermath, people, evidence, history].filter { !$0.isEmpty }.joined(separator: [StoryLine()]).map { $0.trimmed }
    }

    private static let width = 100

    private var header: [StoryLine] {
        var first = StoryLine(release.id.text, .strong)
        first.add("  ")
        first.add(release.phase.rawValue, Self.tone(of: release.phase))
        first.add("  \(release.proposal.model?.description ?? "fallback")  spec \(specDigest?.short ?? "not sealed")")
        var lines = [first] + Self.block("\(release.proposal.proposer): \(release.proposal.reason)")
        if let expected = release.proposal.expectedChange { lines += Self.block("expected: \(expected)") }
        if let rates = release.proposal.expectedRates, !rates.isEmpty {
            lines += Self.block("means to change \(rates.sorted { $0.key < $1.key }.map { "rate.\($0.key) by \(Figures.signed($0.value))" }.joined(separator: ", "))")
        }
        if let said = release.spec, let digest = specDigest, said != digest {
            lines.append(StoryLine("  the control plane calls this spec \(said.short), and its bytes give another digest", .bad))
        }
        if !release.missing.isEmpty { lines += Self.block("must still sign: \(release.missing)") }
        if let ending = release.ending { lines += Self.block(ending, Self.tone(of: release.phase)) }
        if let rollout, release.ending == nil, rollout.state != release.phase.rawValue { lines += Self.block(rollout.state, .strong) }
        return lines
    }

    private static func tone(of phase: ReleasePhase) -> StoryLine.Tone {
        let tone = StoryLine.tone(of: phase.rawValue)
        return tone == .plain ? .strong : tone
    }

    private static func block(_ text: String, _ tone: StoryLine.Tone = .plain) -> [StoryLine] {
        StoryLine.wrapped(text, width: width - 2).map { StoryLine("  ").adding($0, tone) }
    }

    // The plan

    private var plan: [StoryLine] {
        guard let rollout, rollout.steps.count > 1 else { return [] }
        return [StoryLine("  step           share                         matured decisions        compared  answered", .strong)] + rollout.steps.map { line(of: $0, rollout) }
    }

    private func line(of step: RolloutView.Step, _ rollout: RolloutView) -> StoryLine {
        let isCurrent = step.index == rollout.step, isOver = step.began != nil && !isCurrent
        let tone: StoryLine.Tone = isCurrent ? .strong : isOver ? .plain : .faint
        var line = StoryLine(isCurrent ? "▶ " : isOver ? "✓ " : "  ", isCurrent ? .strong : .good)
        line.add(String(step.name.prefix(14)), tone)
        line.pad(to: 17)
        line = line + Self.bar(step.share, width: 20, tone)
        line.add(" \(Figures.percent(step.share))", tone)
        line.pad(to: 47)
        line.add(step.needed.map { isCurrent || isOver ? "\(step.matured) of \($0)" : "\($0) needed" } ?? "", tone)
        line.pad(to: 67)
        guard isCurrent || isOver, step.needed != nil || step.compared > 0 else { return line }
        line.add(Self.right(step.compared, 13), tone)
        line.add(Self.right(step.answered, 10), tone)
        return line
    }

    private static func right(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// A share as a bar; a share above none has at least half a character.
    private static func bar(_ share: Double, width: Int, _ tone: StoryLine.Tone) -> StoryLine {
        let halves = share.isFinite && share > 0 ? max(1, Int((min(share, 1) * Double(2 * width)).rounded())) : 0
        let full = String(repeating: "━", count: halves / 2) + (halves % 2 == 1 ? "╸" : "")
        return StoryLine(full, tone).adding(String(repeating: "·", count: width - full.count), .faint)
    }

    // What the guardrails say

    private func guardrails(_ everyStep: Bool) -> [StoryLine] {
        let steps = compared
        return steps.map { everyStep || $0.index == steps.last?.index ? drawn($0) : summed($0) }.joined(separator: [StoryLine()]).map { $0 }
    }

    private func title(_ step: RolloutView.Step) -> StoryLine {
        let needed = step.needed.map { "\(step.matured) of \($0) matured" } ?? ""
        let words = [needed, "\(step.compared) compared", deadline(of: step) ?? ""].filter { !$0.isEmpty }.joined(separator: ", ")
        return StoryLine(step.name, .strong).adding(": \(words)")
    }

    private func parts(of step: RolloutView.Step) -> [GuardrailSeries] {
        signals.map { signal in
            var series = series(signal)
            series.samples.removeAll { $0.step != step.index }
            return series
        }.filter { !$0.samples.isEmpty }
    }

    /// Plots in two columns.
    private func drawn(_ step: RolloutView.Step) -> [StoryLine] {
        let plots = parts(of: step).map { TextPlot(series: $0).lines }
        var lines = [title(step)]
        for index in stride(from: 0, to: plots.count, by: 2) {
            let left = plots[index], right = plots.indices.contains(index + 1) ? plots[index + 1] : []
            lines.append(StoryLine())
            for row in left.indices {
                var line = left[row]
                if right.indices.contains(row) {
                    line.pad(to: TextPlot.width + 4)
                    line = line + right[row]
                }
                lines.append(line)
            }
        }
        let legend = "━ seen  ░ its interval  ╌ where harm begins; from the step's first comparison to its newest"
        return lines + [StoryLine(), StoryLine("  \(legend)", .faint)]
    }

    /// One line a guardrail.
    private func summed(_ step: RolloutView.Step) -> [StoryLine] {
        [title(step)]
            + parts(of: step).compactMap { series in
                guard let newest = series.samples.last?.finding else { return nil }
                var line = StoryLine("  \(series.signal.prefix(18))")
                line.pad(to: 21)
                line = line + TextPlot(series: series).bar(width: 24)
                line.add("  \(Figures.reading(newest)), \(newest.count) seen")
                line.pad(to: Self.width - 10)
                line.add(" " + newest.answer.rawValue, StoryLine.tone(of: newest.answer.rawValue))
                return line
            }
    }

    private var asked: [StoryLine] {
        guard let rollout, !release.phase.isTerminal else { return [] }
        var lines: [StoryLine] = []
        if let paused = rollout.paused { lines += Self.block(paused, .doubtful) }
        for escalation in rollout.escalations { lines += Self.block(escalation, .doubtful) }
        for finding in compared.last?.points.last?.findings ?? [] {
            if let fault = finding.fault { lines += Self.block("\(finding.signal): \(fault)", .doubtful) }
        }
        return lines
    }

    private var aftermath: [StoryLine] { ending.flatMap { Self.block($0, .bad) } }

    // On what it rests

    private var people: [StoryLine] {
        let deeds = deeds
        guard !deeds.isEmpty else { return [] }
        let names = deeds.map(\.person.text.count).max() ?? 0
        return [StoryLine("people", .strong)]
            + deeds.flatMap { deed in
                let words = StoryLine.wrapped(
                    "\(deed.deed)\(deed.spec.map { ", spec \($0.short)" } ?? "")\(deed.reason.isEmpty ? "" : ": \(deed.reason)")", width: Self.width - names - 25)
                return words.enumerated().map { index, text in
                    var line = StoryLine(index == 0 ? "  \(deed.signed.second)  \(deed.person)" : "")
                    line.pad(to: names + 25)
                    return line.adding(text)
                }
            }
    }

    private var evidence: [StoryLine] {
        guard !release.results.isEmpty else { return release.proposal.model == nil ? [StoryLine("no criteria: a fallback needs none", .faint)] : [] }
        return [StoryLine("evidence", .strong)]
            + release.results.map { result in
                var line = StoryLine("  ")
                line.add(result.verdict.rawValue, StoryLine.tone(of: result.verdict.rawValue))
                line.pad(to: 16)
                return line.adding("\(result.criterion) (\(result.validator))")
            }
    }

    private var history: [StoryLine] {
        guard !release.history.isEmpty else { return [] }
        return [StoryLine("history", .strong)]
            + release.history.flatMap { entry in
                let kind = entry.kind.split(separator: ".").last.map(String.init) ?? entry.kind
                var first = StoryLine("  \(entry.at.second)  entry \(entry.index)")
                first.pad(to: 34)
                first.add(kind, StoryLine.tone(of: kind.replacing("-", with: " ")))
                first.pad(to: 46)
                // Each finding begins a line.
                let lines = (entry.detail ?? "").replacing("; ", with: "\n").split(separator: "\n").flatMap { StoryLine.wrapped(String($0), width: Self.width - 46) }
                guard let head = lines.first else { return [first] }
                return [first.adding(head)]
                    + lines.dropFirst().map { text in
                        var line = StoryLine()
                        line.pad(to: 46)
                        return line.adding(text, .faint)
                    }
            }
    }
}
