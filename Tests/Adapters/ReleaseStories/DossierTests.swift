// The page stands alone, and nothing that somebody wrote becomes more than text.
import Evidence
import Foundation
import Ports
import Primitives
import ReleaseStories
import Releases
import TestKit
import Testing

@Suite struct DossierTests {
    private static let hostile = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</title><svg onload=alert(1)>", "' onmouseover='alert(1)", "]]><!--", "</style><style>*{display:none}",
        "<a href=\"javascript:alert(1)\">x</a>", "&lt;script&gt;", "\u{202E}gnp.exe", "\u{1B}[2J",
    ]

    /// The page's tags with the names of their attributes, as a browser reads them.
    private static func tags(_ html: String) -> [String] {
        html.split(separator: "<").dropFirst().map { part in
            part.prefix { $0 != ">" }.split(separator: "\"", omittingEmptySubsequences: false).enumerated().filter { $0.offset.isMultiple(of: 2) }.map { String($0.element) }
                .joined()
        }
    }

    @Test(arguments: [StoryFixture.Course.watching, .paused, .rolledBack])
    func thePageNeedsNothingElse(course: StoryFixture.Course) throws {
        let html = Dossier(try StoryFixture.story(course), program: "penstock test").html
        #expect(html.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
        for forbidden in ["<script", "<link", "<img", "<iframe", "<object", "<form", "<base", " href=", " src=", " style=", "http://", "https://", "@import", "javascript:"] {
            #expect(!html.contains(forbidden), "\(forbidden)")
        }
        // The only addresses are of parts of the page itself.
        #expect(html.components(separatedBy: "url(").dropFirst().allSatisfy { $0.hasPrefix("#plot") })
    }

    @Test func theSecurityPolicyAllowsTheOneStyleSheetByItsDigest() throws {
        let html = Dossier(try StoryFixture.story(.watching), program: "penstock test").html
        let sheet = try #require(html.components(separatedBy: "<style>").dropFirst().first?.components(separatedBy: "</style>").first)
        #expect(html.components(separatedBy: "<style>").count == 2)
        let digest = Data(Digest.of(sheet).bytes).base64EncodedString()
        let policy = "default-src &#39;none&#39;; style-src &#39;sha256-\(digest)&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;"
        #expect(html.contains("<meta http-equiv=\"Content-Security-Policy\" content=\"\(policy)\">"))
        // It stands before anything that it should govern.
        let policyAt = try #require(html.firstRange(of: "Content-Security-Policy")), sheetAt = try #require(html.firstRange(of: "<style>"))
        #expect(policyAt.lowerBound < sheetAt.lowerBound)
    }

    @Test(arguments: hostile) func whatSomebodyWroteStaysText(_ text: String) throws {
        let harmless = Dossier(try Self.story(String(repeating: "x", count: text.harmless.count)), program: "p").html, html = Dossier(try Self.story(text), program: "p").html
        // Whatever is written, the page has the same tags in the same order.
        #expect(Self.tags(html) == Self.tags(harmless))
        #expect(!html.unicodeScalars.contains { $0 != "\n" && !$0.isHarmless })
    }

    /// Every text of a story is this one.
    private static func story(_ text: String) throws -> ReleaseStory {
        var story = try StoryFixture.story(.rolledBack)
        story.release.proposal.reason = text
        story.release.proposal.expectedChange = text
        story.release.proposal.expectedRates = [text: 0.1]
        story.release.ending = text
        story.release.missing = text
        for index in story.release.results.indices {
            story.release.results[index].criterion = text
            story.release.results[index].validator = text
        }
        for index in story.release.history.indices {
            story.release.history[index].detail = text
            story.release.history[index].signed?.reason = text
            story.release.history[index].signed?.deed = text
        }
        story.rollout?.state = text
        story.rollout?.paused = text
        story.rollout?.escalations = [text]
        for step in story.rollout?.steps.indices ?? 0..<0 { story.rollout?.steps[step].name = text }
        if var step = story.rollout?.steps.last, var point = story.rollout?.steps.first?.points.last {
            for index in point.findings.indices { point.findings[index].fault = text }
            for index in point.findings.indices.suffix(1) { point.findings[index].signal = text }
            step.points = [point]
            story.rollout?.steps.append(step)
        }
        story.evaluations = story.evaluations.map { evaluation in
            var evaluation = evaluation
            evaluation.metrics = [text: 0.5]
            evaluation.runtime = text
            return evaluation
        }
        return story
    }

    @Test func whatMattersIsOnThePage() throws {
        let story = try StoryFixture.story(.rolledBack)
        let html = Dossier(story, program: "penstock test").html
        let spec = try #require(story.release.spec)
        for text in [
            "rebooking-offer-2", "rolled back by the controller: harm: decision_flips", "412&nbsp;ms", spec.description, "fewer wrong offers at night", "approved as risk-owner",
            "auc at least 0.7", "canary 25 %", "the replay clock", "0.7812", ">27825<",
        ] {
            #expect(html.contains(text.replacing("&nbsp;", with: " ")), "\(text)")
        }
        for signal in ["decision_flips", "rate.offer", "outcome.accuracy", "errors", "over_budget", "sample_ratio"] { #expect(html.contains("<b>\(signal)</b>"), "\(signal)") }
        // Margins lie around the change that was meant.
        #expect(html.contains("harm outside -0.02 to +0.06"))
    }

    /// A control plane that names one spec and sends another is told of.
    @Test func aSpecThatIsNotTheOneNamedIsSaid() throws {
        var story = try StoryFixture.story(.watching)
        story.release.spec = Digest.of("another")
        #expect(Dossier(story, program: "p").html.contains("do not rely on this dossier"))
        #expect(story.lines().contains { $0.plain.contains("its bytes give another digest") })
    }

    /// Numbers that no guardrail gives are drawn somewhere, and end nothing.
    @Test(arguments: [1e300, -1e300, .infinity, -.infinity, .nan, 0, 1e-300]) func absurdNumbersAreDrawn(_ number: Double) throws {
        var story = try StoryFixture.story(.watching)
        for step in story.rollout?.steps.indices ?? 0..<0 {
            story.rollout?.steps[step].share = number
            story.rollout?.steps[step].compared = .max
            story.rollout?.steps[step].matured = .min
            for point in story.rollout?.steps[step].points.indices ?? 0..<0 {
                story.rollout?.steps[step].points[point].clock = Instant(milliseconds: point.isMultiple(of: 2) ? .max : .min)
                for finding in story.rollout?.steps[step].points[point].findings.indices ?? 0..<0 {
                    story.rollout?.steps[step].points[point].findings[finding].estimate = number
                    story.rollout?.steps[step].points[point].findings[finding].lower = number
                    story.rollout?.steps[step].points[point].findings[finding].upper = -number
                }
            }
        }
        story.release.history.append(.init(index: 1, kind: "release.paused", at: Instant(milliseconds: .max), detail: nil))
        let html = Dossier(story, program: "p").html
        #expect(!html.contains("=\"nan") && !html.contains("=\"inf") && !html.contains("=\"-inf"))
        #expect(story.lines(everyStep: true).allSatisfy { $0.count < 200 })
    }

    @Test func aReleaseWithoutARolloutIsTold() throws {
        var story = try StoryFixture.story(.watching)
        story.rollout = nil
        story.lineage = nil
        story.evaluations = []
        story.release.history = []
        story.release.results = []
        story.release.specBytes = nil
        story.release.spec = nil
        let html = Dossier(story, program: "p").html
        #expect(html.contains("rebooking-offer-2") && !html.contains("<svg"))
        #expect(story.lines().first?.plain.hasPrefix("rebooking-offer-2  exposed") == true)
    }
}
