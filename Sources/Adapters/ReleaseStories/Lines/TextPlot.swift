// One guardrail drawn with characters: what was seen, its interval, and where harm begins.
internal import Ports
internal import Primitives

struct TextPlot {
    static let width = 48
    private static let gutter = 9
    private static let rows = 5

    var series: GuardrailSeries

    private var columns: Int { Self.width - Self.gutter }

    /// Two lines of words, five of drawing, one of words; none is wider than `width`.
    var lines: [StoryLine] {
        guard let newest = series.samples.last?.finding else { return [] }
        var title = StoryLine(String(series.signal.prefix(Self.width - 12)), .strong)
        title.pad(to: Self.width - newest.answer.rawValue.count)
        title.add(newest.answer.rawValue, StoryLine.tone(of: newest.answer.rawValue))
        let fault = newest.missing > 0 ? ", \(newest.missing) missing" : ""
        let reading = StoryLine(String("\(Figures.reading(newest)), \(newest.count) seen\(fault)".prefix(Self.width)))
        return [title, reading] + drawing + [StoryLine(String("\(series.harmWords), \(series.consequence)".prefix(Self.width)), .faint)]
    }

    private var drawing: [StoryLine] {
        let domain = series.domain, height = (domain.upperBound - domain.lowerBound) / Double(Self.rows)
        return (0..<Self.rows).reversed().map { row in
            let low = domain.lowerBound + Double(row) * height, high = row == Self.rows - 1 ? domain.upperBound.nextUp : low + height
            let label = Figures.label((low + high) / 2, signed: series.isDifference)
            var line = StoryLine(String(repeating: " ", count: max(0, Self.gutter - 2 - label.count)) + label + " ┤", .faint)
            for run in cells(low, high) { line.add(run.text, run.tone) }
            return line
        }
    }

    /// Neighbours of one tone together.
    private func cells(_ low: Double, _ high: Double) -> [StoryLine.Part] {
        var runs: [StoryLine.Part] = []
        for column in 0..<columns {
            let sample = series.samples[column * series.samples.count / columns]
            let cell = cell(sample, low, high)
            if let last = runs.indices.last, runs[last].tone == cell.tone { runs[last].text += cell.text } else { runs.append(cell) }
        }
        return runs
    }

    private func cell(_ sample: GuardrailSeries.Sample, _ low: Double, _ high: Double) -> StoryLine.Part {
        let finding = sample.finding
        if let estimate = finding.estimate, (low..<high).contains(estimate) { return .init(text: "━", tone: finding.answer == .harm ? .bad : .strong) }
        if series.margins(share: sample.share).contains(where: { (low..<high).contains($0) }) { return .init(text: "╌", tone: series.rule?.harm == .uneven ? .faint : .bad) }
        return .init(text: finding.lower < high && finding.upper >= low ? "░" : " ", tone: .faint)
    }

    // On one line

    /// `├──●──┤   ┊`: the newest interval against the margin, `width` characters wide.
    func bar(width: Int) -> StoryLine {
        guard let sample = series.samples.last, width > 1 else { return StoryLine(String(repeating: " ", count: max(0, width))) }
        let domain = series.domain, span = domain.upperBound - domain.lowerBound
        func column(_ value: Double) -> Int {
            guard value.isFinite, span > 0 else { return 0 }
            return Int((min(max((value - domain.lowerBound) / span, 0), 1) * Double(width - 1)).rounded())
        }
        var cells = [(String, StoryLine.Tone)](repeating: (" ", .plain), count: width)
        let low = column(sample.finding.lower), high = max(low, column(sample.finding.upper))
        for index in low...high { cells[index] = ("─", .plain) }
        cells[low] = ("├", .plain)
        cells[high] = ("┤", .plain)
        for margin in series.margins(share: sample.share) { cells[column(margin)] = ("┊", series.rule?.harm == .uneven ? .faint : .bad) }
        if let estimate = sample.finding.estimate { cells[column(estimate)] = ("●", StoryLine.tone(of: sample.finding.answer.rawValue)) }
        return cells.reduce(StoryLine()) { $0.adding($1.0, $1.1) }
    }
}
