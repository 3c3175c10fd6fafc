// A release in a terminal of a hundred columns.
import Ports
import Primitives
import ReleaseStories
import Releases
import Testing

@Suite struct LinesTests {
    private func text(_ course: StoryFixture.Course, everyStep: Bool = false) throws -> [String] { try StoryFixture.story(course).lines(everyStep: everyStep).map(\.plain) }

    @Test(arguments: [StoryFixture.Course.watching, .paused, .rolledBack], [false, true])
    func noLineIsWiderThanAHundredColumns(course: StoryFixture.Course, everyStep: Bool) throws {
        for line in try text(course, everyStep: everyStep) {
            #expect(line.count <= 100, "\(line)")
            #expect(!line.hasSuffix(" "))
        }
    }

    @Test func thePlanMarksTheStepThatItIsOn() throws {
        let lines = try text(.watching)
        #expect(lines.contains { $0.hasPrefix("✓ shadow ") && $0.contains("600 of 600") })
        #expect(lines.filter { $0.hasPrefix("▶ ") }.count == 1)
        #expect(lines.contains { $0.hasPrefix("▶ canary 25 %    ━━━━━···") })
        #expect(lines.contains { $0.hasPrefix("  live ") })
    }

    @Test func theNewestStepIsDrawnAndEarlierOnesAreSummedUp() throws {
        let lines = try text(.watching)
        let drawn = lines.filter { $0.contains(" ┤") }
        // Six guardrails in two columns of five rows.
        #expect(drawn.count == 15)
        #expect(drawn.allSatisfy { $0.count <= 100 })
        #expect(lines.filter { $0.hasPrefix("  decision_flips ") && $0.contains("●") && $0.contains("┊") }.count == 2)
        // Three paired guardrails in shadow, six in the canary: two rows and three rows of plots, besides the newest step's three.
        #expect(try text(.watching, everyStep: true).filter { $0.contains(" ┤") }.count == 40)
    }

    @Test func whatCameOfItIsTold() throws {
        let lines = try text(.rolledBack)
        #expect(lines.contains("  rolled back by the controller: harm: decision_flips"))
        #expect(lines.contains("  from the breach to the last answer: 412 ms"))
        #expect(lines.contains { $0.hasPrefix("decision_flips") && $0.contains(" harm ") })
        #expect(lines.contains { $0.contains("fewer wrong offers at night") && $0.contains("ada") })
        #expect(lines.contains { $0.contains("met") && $0.contains("auc at least 0.7") })
    }

    @Test func whatPeopleAreAskedIsTold() throws {
        let lines = try text(.paused)
        #expect(lines.contains("  paused by fay: complaints from JFK"))
        #expect(lines.contains { $0.hasPrefix("  risk-owner is asked: the step is undecided") })
    }

    @Test func whatSomebodyWroteMovesNoCursor() throws {
        var story = try StoryFixture.story(.watching)
        story.release.proposal.reason = "a\u{1B}[2Jb\u{202E}c\nentry 99"
        for line in story.lines() { #expect(line.plain == line.plain.harmless, "\(line.plain.debugDescription)") }
    }

    /// Answers are coloured by what they say, and the words are there without a colour.
    @Test func answersHaveTheirTone() throws {
        let parts = try StoryFixture.story(.rolledBack).lines().flatMap(\.parts)
        #expect(parts.contains { $0.text == "harm" && $0.tone == .bad })
        #expect(parts.contains { $0.text == "no worse" && $0.tone == .good })
        #expect(parts.contains { $0.text == "undecided" && $0.tone == .plain })
    }
}
