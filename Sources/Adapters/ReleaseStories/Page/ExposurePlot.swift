// The share of the traffic over the wall clock, as the ledger has it.
internal import Ports
internal import Primitives

struct ExposurePlot {
    struct Turn {
        var at: Instant
        var share: Double
        var words: String
    }

    var turns: [Turn]
    var until: Instant

    /// `nil` for a release that never had a step.
    init?(_ story: ReleaseStory) {
        var steps = (story.rollout?.steps ?? []).filter { $0.began != nil }[...]
        var share = 0.0
        var turns: [Turn] = []
        for line in story.release.history {
            switch line.kind {
            case "release.exposed":
                guard let step = steps.popFirst() else { continue }
                share = step.share
                turns.append(Turn(at: line.at, share: share, words: step.name))
            case "release.paused": turns.append(Turn(at: line.at, share: 0, words: "paused"))
            case "release.resumed": turns.append(Turn(at: line.at, share: share, words: "resumed"))
            case "release.rolled-back": turns.append(Turn(at: line.at, share: 0, words: "rolled back"))
            case "release.aborted" where !turns.isEmpty: turns.append(Turn(at: line.at, share: 0, words: "aborted"))
            case "release.superseded": turns.append(Turn(at: line.at, share: 0, words: "superseded"))
            case "release.reinstated": turns.append(Turn(at: line.at, share: 1, words: "reinstated"))
            default: continue
            }
        }
        guard let first = turns.first, let last = turns.last else { return nil }
        self.turns = turns
        // What goes on is drawn until now; what ended, a little beyond its end.
        let room = Duration.milliseconds(max(1000, (last.at.milliseconds - first.at.milliseconds) / 12))
        until = story.release.phase.isTerminal || story.release.phase == .superseded ? last.at.adding(room) : max(story.written, last.at.adding(room))
    }

    /// The shares of the plan stand evenly above one another: 5 % and 100 % on one scale would hide the one.
    private var levels: [Double] { Set(turns.map(\.share) + [0, 1]).sorted() }

    var drawing: Markup {
        let levels = levels
        let frame = PlotFrame(
            width: 1160, height: 60 + 34 * Double(levels.count), left: 64, top: 26, bottom: 26, times: (turns.first?.at ?? until)...until,
            values: -0.25...Double(levels.count) - 0.6)
        func height(_ share: Double) -> Double { frame.y(Double(levels.firstIndex(of: share) ?? 0)) }
        var parts = levels.flatMap {
            [frame.line("grid", frame.left, height($0), frame.width - frame.right, height($0)), frame.words("tick end", frame.left - 8, height($0) + 3.5, Figures.percent($0))]
        }
        var corners: [(Double, Double)] = []
        for (index, turn) in turns.enumerated() {
            let x = frame.x(turn.at), end = index + 1 < turns.count ? frame.x(turns[index + 1].at) : frame.x(until)
            corners += [(x, height(turn.share)), (end, height(turn.share))]
        }
        let area = [(corners.first?.0 ?? 0, frame.floor)] + corners + [(corners.last?.0 ?? 0, frame.floor)]
        parts += [.tag("path", ["class": "exposed", "d": PlotFrame.path(area, closed: true)]), .tag("path", ["class": "share", "d": PlotFrame.path(corners)])]
        parts += labels(frame, height)
        return frame.drawing("exposure over time: \(turns.map { "\($0.words) at \($0.at.second)" }.joined(separator: ", "))", parts + frame.timeAxis)
    }

    /// A turn's word above its line; where two stand too close, the later one moves up.
    private func labels(_ frame: PlotFrame, _ height: (Double) -> Double) -> [Markup] {
        var taken: [(from: Double, to: Double, y: Double)] = []
        return turns.flatMap { turn -> [Markup] in
            let isLate = frame.x(turn.at) > frame.width - 120
            let x = frame.x(turn.at), width = Double(turn.words.count) * 6.4 + 10
            let from = isLate ? x - width : x, to = from + width
            var y = height(turn.share) - 7
            while taken.contains(where: { $0.from < to && from < $0.to && abs($0.y - y) < 11 }), y > 12 { y -= 12 }
            taken.append((from, to, y))
            let style = Tone.of(turn.words).rawValue
            return [
                .tag("circle", ["class": "turn \(style)", "cx": at(x), "cy": at(height(turn.share)), "r": "3.4"]),
                frame.words("turnword \(isLate ? "end" : "start") \(style)", isLate ? x - 6 : x + 6, y, turn.words),
            ]
        }
    }
}
