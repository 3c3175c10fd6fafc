// A release's dossier: one HTML file that needs nothing else, for whoever asks later why it was let on.
internal import Foundation
internal import Ports
internal import Primitives
internal import Registry
internal import Releases

/// Values in, a page out. Everything that people and other programs wrote is escaped; the page runs no script, asks for no other file, and says so to the browser.
package struct Dossier: Sendable {
    private let story: ReleaseStory
    /// What wrote it.
    private let program: String

    package init(_ story: ReleaseStory, program: String) {
        self.story = story
        self.program = program
    }

    package var html: String {
        let page: Markup = .tag("html", ["lang": "en"], [.tag("head", [:], head), .tag("body", [:], [.tag("main", [:], body)])])
        return "<!DOCTYPE html>\n" + page.source + "\n"
    }

    private var release: ReleaseView { story.release }

    private var head: [Markup] {
        // The one style sheet is allowed by its digest; nothing else is allowed at all.
        let digest = Data(Digest.of(DossierStyle.sheet.description).bytes).base64EncodedString()
        return [
            .mark("meta", ["charset": "utf-8"]),
            .mark("meta", ["http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'sha256-\(digest)'; base-uri 'none'; form-action 'none'"]),
            .mark("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]), .mark("meta", ["name": "color-scheme", "content": "light dark"]),
            .mark("meta", ["name": "referrer", "content": "no-referrer"]), .tag("title", [:], "\(release.id): dossier"), .style(DossierStyle.sheet),
        ]
    }

    private var body: [Markup] {
        [header, figures, section("The way it went", rollout), section("What the guardrails saw", guardrails), section("Evidence before it answered", evidence)]
            + [section("Who signed what", people), section("How the model came about", lineage), section("The ledger's entries", history), footer]
    }

    private func section(_ title: String, _ parts: [Markup]) -> Markup {
        parts.isEmpty ? .nothing : .tag("section", [:], [.tag("h2", [:], title)] + parts)
    }

    // What it is

    private var header: Markup {
        let proposal = release.proposal
        var parts: [Markup] = [
            .tag("p", ["class": "over"], "Dossier of a release in \(proposal.system)/\(proposal.environment)"),
            .tag("h1", [:], [.text(release.id.text), .text(" "), Tone.pill(release.phase.rawValue)]),
            .tag(
                "p", ["class": "lead"],
                [
                    .text("\(proposal.model?.description ?? "The fallback") for \(proposal.service), proposed by \(proposal.proposer) on \(proposal.proposed.second): "),
                    .quoted(proposal.reason),
                ]),
        ]
        if let expected = proposal.expectedChange { parts.append(.tag("p", [:], [.text("Expected: "), .quoted(expected)])) }
        if let rates = proposal.expectedRates, !rates.isEmpty {
            let words = rates.sorted { $0.key < $1.key }.map { "rate.\($0.key) \(Figures.signed($0.value))" }.joined(separator: ", ")
            parts.append(.tag("p", [:], "It means to change \(words); guardrails on these rates are centred there."))
        }
        if let ending = release.ending { parts.append(.tag("p", ["class": "ending"], [.quoted(ending)])) }
        if let state = story.rollout?.state, release.ending == nil, state != release.phase.rawValue { parts.append(.tag("p", ["class": "now"], [.quoted(state)])) }
        if !release.missing.isEmpty { parts.append(.tag("p", ["class": "now"], [.text("Must still sign: "), .quoted(release.missing)])) }
        return .tag("header", [:], parts)
    }

    private var figures: Markup {
        var tiles: [(String, String)] = []
        if let rollout = story.rollout {
            let compared = rollout.steps.reduce(0) { $0 + max(0, min($1.compared, 1 << 40)) }
            if compared > 0 { tiles.append((Self.grouped(compared), "requests compared")) }
            if rollout.steps.contains(where: { $0.began != nil && $0.share < 1 }) { tiles.append((Self.grouped(rollout.answered), "answered by the candidate under watch")) }
            if let between = rollout.breachToLastMilliseconds { tiles.append(("\(Self.grouped(Int(clamping: between))) ms", "from the breach to its last answer")) }
        }
        let met = release.results.count { $0.verdict == .met }
        if !release.results.isEmpty { tiles.append(("\(met) of \(release.results.count)", "criteria met")) }
        let signers = Set(story.deeds.map(\.person)).count
        if signers > 0 { tiles.append(("\(signers)", signers == 1 ? "person signed" : "people signed")) }
        let list: [Markup] = tiles.map { .tag("div", ["class": "tile"], [.tag("b", [:], $0.0), .tag("span", [:], $0.1)]) }
        return tiles.isEmpty ? .nothing : .tag("div", ["class": "tiles"], list)
    }

    // How it went

    private var rollout: [Markup] {
        guard let rollout = story.rollout, !rollout.steps.isEmpty else { return [] }
        var parts: [Markup] = []
        if let plot = ExposurePlot(story) {
            parts.append(
                .tag(
                    "figure", ["class": "wide"],
                    [
                        .tag(
                            "figcaption", [:],
                            [.tag("b", [:], "Share of the traffic"), .tag("span", ["class": "meaning"], "wall clock, UTC; the plan's shares stand evenly above one another")]),
                        plot.drawing,
                    ]))
        }
        let rows: [[Markup]] = rollout.steps.map { step in
            [
                .tag("span", ["class": step.index == rollout.step ? "current" : ""], "\(step.index == rollout.step ? "▸ " : "")\(step.name)"), .text(Figures.percent(step.share)),
                .text(step.began?.second ?? "not begun"), .text(step.needed.map { "\(Self.grouped(step.matured)) of \(Self.grouped($0))" } ?? "none needed"),
                .text(Self.grouped(step.compared)), .text(Self.grouped(step.answered)), .text(step.deadline?.minute ?? "none"),
            ]
        }
        parts.append(Self.table(["step", "share", "began", "matured decisions", "compared", "answered by it", "deadline"], rows))
        if let paused = rollout.paused { parts.append(.tag("p", ["class": "now"], [.quoted(paused)])) }
        for escalation in rollout.escalations { parts.append(.tag("p", ["class": "now"], [.quoted(escalation)])) }
        if !story.ending.isEmpty { parts.append(.tag("p", ["class": "ending"], "What it came to: \(story.ending.joined(separator: "; ")).")) }
        return parts
    }

    private var guardrails: [Markup] {
        let clocks = story.compared.flatMap { $0.points.map(\.clock) }
        guard let from = clocks.min(), let to = clocks.max() else { return [] }
        let clock = story.spec?.rollout?.clock == .replay ? "the replay clock, which runs by the requests' own times" : "the wall clock, UTC"
        let plots = story.signals.enumerated().map { GuardrailPlot(series: story.series($1), number: $0, steps: story.compared, times: from...to).figure }
        return [
            .tag(
                "p", ["class": "key"],
                [
                    .text("Along \(clock). "), .tag("span", ["class": "swatch estimate"], "line"), .text(" what was seen, "), .tag("span", ["class": "swatch interval"], "band"),
                    .text(" its interval, valid however often it is looked at, "), .tag("span", ["class": "swatch margin"], "dashes"),
                    .text(" where harm begins. Harm is called when the whole band is past the dashes; each step counts anew."),
                ]), .tag("div", ["class": "plots"], plots),
        ]
    }

    // On what it rests

    private var evidence: [Markup] {
        var parts: [Markup] = []
        if !release.results.isEmpty {
            parts.append(
                Self.table(
                    ["criterion", "verdict", "validator", "about"],
                    release.results.map {
                        [
                            .quoted($0.criterion), Tone.pill($0.verdict.rawValue), .text($0.validator),
                            .tag("span", ["class": "digests"], $0.subjects.map(\.short).joined(separator: " ")),
                        ]
                    }))
        }
        for evaluation in story.evaluations.suffix(5) {
            let metrics = evaluation.metrics.sorted { $0.key < $1.key }
            parts.append(
                .tag(
                    "details", metrics.count <= 12 ? ["open": ""] : [:],
                    [
                        .tag(
                            "summary", [:],
                            "Measured \(evaluation.measured.second) on \(Self.grouped(evaluation.rows)) rows of \(evaluation.dataset.short) with \(evaluation.runtime)"),
                        Self.table(["metric", "value"], metrics.map { [.quoted($0.key), .text(Figures.metric($0.value))] }),
                    ]))
        }
        if parts.isEmpty { parts = [.tag("p", [:], "No criteria: a fallback needs none, and nothing else was measured.")] }
        return parts
    }

    private var people: [Markup] {
        let rows: [[Markup]] = story.deeds.map { deed in
            [
                .tag("b", [:], deed.person.text), .quoted(deed.deed), .text(deed.signed.second),
                .tag("span", ["class": "digests"], deed.spec?.short ?? (deed.deed == "proposed" ? "before there was one" : "any")),
                .quoted(deed.reason),
            ]
        }
        return rows.isEmpty ? [.tag("p", [:], "Nobody has signed anything yet.")] : [Self.table(["who", "what", "signed", "spec", "in their words"], rows)]
    }

    private var lineage: [Markup] {
        guard let lineage = story.lineage else { return [] }
        let about: Markup = .tag("p", [:], [.text("\(lineage.version), registered by \(lineage.author): "), .tag("span", ["class": "digests"], lineage.artifact.description)])
        guard !lineage.steps.isEmpty else { return [about, .tag("p", [:], "Nobody recorded how it came about.")] }
        let rows: [[Markup]] = lineage.steps.map { step in
            let from = step.dependencies.filter { ["input.", "source."].contains(where: ($0.name ?? "").hasPrefix) }.map { dependency in
                "\(dependency.uri.split(separator: ":").last ?? "") \(dependency.digest["sha256"]?.prefix(12) ?? "")"
            }
            return [
                .quoted(step.output), .tag("span", ["class": "digests"], step.digest.short), .tag("code", [:], step.command),
                .tag("span", ["class": "digests"], from.joined(separator: ", ")),
                .text(step.finished.second), .text(step.signedBy.map(\.text).joined(separator: ", ")),
            ]
        }
        return [about, Self.table(["output", "digest", "made by", "from", "finished", "signed by"], rows)]
    }

    private var history: [Markup] {
        let rows: [[Markup]] = release.history.map { line in
            [
                .text("\(line.index)"), .text(line.at.second), .text(line.kind.split(separator: ".").last.map(String.init) ?? line.kind),
                .tag("div", ["class": "detail"], Self.parts(of: line.detail)),
            ]
        }
        return rows.isEmpty ? [] : [Self.table(["entry", "when", "what", "why"], rows)]
    }

    /// The findings of an entry, one under another.
    private static func parts(of detail: String?) -> [Markup] {
        (detail ?? "").components(separatedBy: "; ").map { .tag("div", [:], [.quoted($0)]) }
    }

    private var footer: Markup {
        var parts: [Markup] = []
        if let digest = story.specDigest { parts.append(.tag("p", [:], [.text("What was signed: spec "), .tag("span", ["class": "digests"], digest.description)])) }
        if let said = release.spec, let digest = story.specDigest, said != digest {
            parts.append(.tag("p", ["class": "ending"], "The control plane calls this spec \(said), and its bytes give another digest: do not rely on this dossier."))
        }
        parts.append(
            .tag(
                "p", [:],
                "Written \(story.written.second) UTC by \(program) from what the control plane answered. It proves nothing by itself: the ledger does, with 'penstock ledger verify'."
            ))
        return .tag("footer", [:], parts)
    }

    // How it is laid out

    private static func table(_ columns: [String], _ rows: [[Markup]]) -> Markup {
        let head: Markup = .tag("thead", [:], [.tag("tr", [:], columns.map { .tag("th", ["scope": "col"], $0) })])
        let body: Markup = .tag("tbody", [:], rows.map { row in .tag("tr", [:], row.map { .tag("td", [:], [$0]) }) })
        return .tag("div", ["class": "table"], [.tag("table", [:], [head, body])])
    }

    /// `12 345`, with a space that does not break.
    static func grouped(_ number: Int) -> String {
        var text = "", digits = String(number.magnitude)
        while digits.count > 3 {
            text = "\u{A0}" + digits.suffix(3) + text
            digits.removeLast(3)
        }
        return (number < 0 ? "-" : "") + digits + text
    }
}
