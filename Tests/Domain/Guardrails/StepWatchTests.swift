// One step of a rollout: events and what follows, as tables.
import Guardrails
import Primitives
import Testing

@Suite struct StepWatchTests {
    private static let start = Instant(milliseconds: 1_000_000_000_000)
    private static let plan = StepPlan(decisions: 1000, deadline: .seconds(3 * 86_400), undecided: [.pause, .ask, .abort], patience: .seconds(1800), leadsToLive: false)
    private static var live: StepPlan {
        var plan = plan
        plan.leadsToLive = true
        return plan
    }

    private static func at(_ hours: Double) -> Instant { start.adding(.milliseconds(Int64(hours * 3_600_000))) }
    private static let calm = [StepSignal(.flips, .undecided), StepSignal(.errors, .noWorse), StepSignal(.accuracy, .undecided)]
    private static func with(_ rule: GuardrailRule, _ answer: GuardrailAnswer) -> [StepSignal] {
        calm.filter { $0.rule != rule } + [StepSignal(rule, answer)]
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var plan: StepPlan
        var signals: [StepSignal]
        var decisions: Int
        var hours: Double
        var verdict: StepVerdict

        init(_ what: String, _ plan: StepPlan, _ signals: [StepSignal], _ decisions: Int, _ hours: Double, _ verdict: StepVerdict) {
            (testDescription, self.plan, self.signals, self.decisions, self.hours, self.verdict) = (what, plan, signals, decisions, hours, verdict)
        }
    }

    static let cases: [Case] = [
        Case("too few decisions", plan, calm, 999, 1, .watching),
        Case("enough decisions and no harm widen", plan, calm, 1000, 1, .ready),
        Case("live needs the proof that was asked for", live, calm, 5000, 1, .watching),
        Case("live with the proof", live, with(.accuracy, .noWorse), 1000, 1, .ready),
        Case("a proof does not stand for decisions", live, with(.accuracy, .noWorse), 999, 1, .watching),
        Case("no guardrail at all still needs decisions", plan, [], 0, 1, .watching),
        Case("errored holds", plan, with(.flips, .errored), 5000, 1, .held(signals: ["decision_flips"])),
        Case("harm that pauses", plan, with(.flips, .harm), 5000, 1, .harmed(action: .pause, signals: ["decision_flips"])),
        Case("harm that rolls back", plan, with(.errors, .harm), 0, 1, .harmed(action: .rollback, signals: ["errors"])),
        Case(
            "the stronger action wins", plan, [StepSignal(.flips, .harm), StepSignal(.errors, .harm), StepSignal(.accuracy, .harm)], 0, 1,
            .harmed(action: .rollback, signals: ["errors", "outcome.accuracy"])),
        Case("harm goes before errored", plan, [StepSignal(.flips, .errored), StepSignal(.errors, .harm)], 0, 1, .harmed(action: .rollback, signals: ["errors"])),
        Case("the last moment", plan, calm, 1000, 71.9999, .ready),
        Case("undecided at the deadline pauses", plan, calm, 1000, 72, .overdue(move: .pause)),
        Case("then asks", plan, calm, 1000, 72.5, .overdue(move: .ask)),
        Case("then aborts", plan, calm, 1000, 73, .aborted),
        Case("errored at the deadline aborts", plan, with(.flips, .errored), 1000, 72, .aborted),
        Case("harm after the deadline still rolls back", plan, with(.errors, .harm), 1000, 72, .harmed(action: .rollback, signals: ["errors"])),
        Case("a harm that only pauses ends with the deadline too", plan, with(.flips, .harm), 1000, 73, .aborted),
        Case("long after", plan, calm, 1000, 9e9, .aborted),
    ]

    @Test(arguments: cases) func oneLookIsAnsweredAndTheSameLookAgain(_ test: Case) {
        var watch = StepWatch(test.plan, at: Self.start)
        #expect(watch.look(test.signals, decisions: test.decisions, at: Self.at(test.hours)) == test.verdict)
        let after = watch
        #expect(watch.look(test.signals, decisions: test.decisions, at: Self.at(test.hours)) == test.verdict && watch == after)
    }

    @Test func otherMovesFollowAsWritten() {
        var plan = Self.plan
        plan.undecided = [.abort]
        var watch = StepWatch(plan, at: Self.start)
        #expect(watch.look(Self.calm, decisions: 0, at: Self.at(72)) == .aborted)
        plan.undecided = [.ask, .abort]
        plan.patience = .zero
        watch = StepWatch(plan, at: Self.start)
        #expect(watch.look(Self.calm, decisions: 0, at: Self.at(72)) == .aborted, "without patience nobody can be asked")
        plan.undecided = []
        plan.patience = .seconds(1)
        watch = StepWatch(plan, at: Self.start)
        #expect(watch.look(Self.calm, decisions: 0, at: Self.at(72)) == .aborted, "no move is the last move")
    }

    @Test func theEndIsTheEnd() {
        var aborted = StepWatch(Self.plan, at: Self.start), rolledBack = aborted
        #expect(aborted.look(Self.calm, decisions: 0, at: Self.at(80)) == .aborted)
        #expect(rolledBack.look(Self.with(.errors, .harm), decisions: 0, at: Self.at(1)) == .harmed(action: .rollback, signals: ["errors"]))
        for hours in [0.0, 2, 100] {
            #expect(aborted.look(Self.with(.errors, .harm), decisions: 9999, at: Self.at(hours)) == .aborted)
            #expect(rolledBack.look(Self.calm, decisions: 9999, at: Self.at(hours)) == .harmed(action: .rollback, signals: ["errors"]))
        }
        for var watch in [aborted, rolledBack] {
            let before = watch
            let extended = watch.extend(by: .seconds(86_400), at: Self.at(1)), accepted = watch.accept(.errors)
            #expect(!extended && !accepted && watch == before && watch.hasEnded)
        }
    }

    @Test func anErroredSignalThatComesBackGoesOn() {
        var watch = StepWatch(Self.plan, at: Self.start)
        #expect(watch.look(Self.with(.flips, .errored), decisions: 1000, at: Self.at(1)) == .held(signals: ["decision_flips"]))
        #expect(watch.look(Self.calm, decisions: 1000, at: Self.at(2)) == .ready)
    }

    @Test func aPersonExtendsAndLateEvidenceAloneDoesNot() {
        var watch = StepWatch(Self.plan, at: Self.start)
        #expect(watch.look(Self.calm, decisions: 0, at: Self.at(72)) == .overdue(move: .pause))
        #expect(watch.look(Self.calm, decisions: 1000, at: Self.at(72.1)) == .overdue(move: .pause), "past the deadline a person decides")
        let none = watch.extend(by: .zero, at: Self.at(72.2)), extended = watch.extend(by: .seconds(3600), at: Self.at(72.2))
        #expect(!none && extended && watch.deadline == Self.at(73.2))
        #expect(watch.look(Self.calm, decisions: 1000, at: Self.at(72.3)) == .ready)
        let shorter = watch.extend(by: .seconds(1), at: Self.at(72.3))
        #expect(shorter && watch.deadline == Self.at(73.2), "time that was given is not taken back")
    }

    @Test func aPersonAcceptsAHarmThatPausesButNotOneThatRollsBack() {
        var watch = StepWatch(Self.plan, at: Self.start)
        let harm = Self.with(.flips, .harm)
        let early = watch.accept(.decisionFlips)
        #expect(!early && watch.look(harm, decisions: 1000, at: Self.at(1)) == .harmed(action: .pause, signals: ["decision_flips"]))
        let other = watch.accept(.errors), accepted = watch.accept(.decisionFlips)
        #expect(!other && accepted && watch.phase == .running)
        #expect(watch.look(harm, decisions: 1000, at: Self.at(2)) == .ready)
        #expect(watch.look(harm + Self.with(.errors, .harm), decisions: 1000, at: Self.at(3)) == .harmed(action: .rollback, signals: ["errors"]))
    }

    @Test func aPauseIsAPersonsToEnd() {
        var watch = StepWatch(Self.plan, at: Self.start)
        #expect(watch.look(Self.with(.flips, .harm), decisions: 1000, at: Self.at(1)) == .harmed(action: .pause, signals: ["decision_flips"]))
        #expect(watch.look(Self.calm, decisions: 1000, at: Self.at(2)) == .harmed(action: .pause, signals: ["decision_flips"]), "the answer was lost, the pause was not")
        #expect(watch.look(Self.with(.rate, .harm), decisions: 1000, at: Self.at(3)) == .harmed(action: .pause, signals: ["decision_flips", "rate.offer"]))
        let one = watch.accept(.decisionFlips)
        #expect(one && watch.phase == .paused(signals: ["rate.offer"]))
        #expect(watch.look(Self.calm, decisions: 1000, at: Self.at(4)) == .harmed(action: .pause, signals: ["rate.offer"]))
        #expect(watch.look(Self.calm, decisions: 1000, at: Self.at(72)) == .overdue(move: .pause), "a pause does not outlast the deadline")
    }

    @Test func aClockSetBackGivesNoTimeBack() {
        var watch = StepWatch(Self.plan, at: Self.start)
        #expect(watch.look(Self.calm, decisions: 0, at: Self.at(72)) == .overdue(move: .pause))
        #expect(watch.look(Self.calm, decisions: 1000, at: Self.at(1)) == .overdue(move: .pause))
    }

    @Test func aRestartChangesNothing() throws {
        var watch = StepWatch(Self.plan, at: Self.start)
        _ = watch.look(Self.with(.flips, .harm), decisions: 10, at: Self.at(5))
        #expect(try kept(watch) == watch && watch.phase == .paused(signals: ["decision_flips"]))
        _ = watch.look(Self.calm, decisions: 0, at: Self.at(73))
        #expect(try kept(watch) == watch)
    }
}
