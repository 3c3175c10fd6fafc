// What an event must say to be taken, beyond being of a fitting kind; and how a run ends.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct RunRuleTests {
    private static func run(_ events: RunEvent...) throws -> PipelineRun {
        try required(try PipelineRun.fold(RunLife.id(), [.planned(RunLife.outline(), at: RunLife.at(0)), .started(at: RunLife.at(1))] + events), "a run")
    }

    private static func refused(_ event: RunEvent, _ run: PipelineRun) -> String {
        guard case .failure(let error) = RunLife.taking(event, run) else { return "" }
        return error.message
    }

    private static let at = RunLife.at(20)

    @Test func attemptsAreCountedOneByOne() throws {
        var run = try Self.run()
        #expect(try Self.refused(RunLife.start("a", attempt: 2), run) == "the stage 'a' of the run r7 begins its attempt 2 after 0; attempts are counted one by one")
        #expect(try Self.refused(RunLife.start("a", attempt: 0), run) == "the stage 'a' of the run r7 begins its attempt 0 after 0; attempts are counted one by one")
        try run.apply(RunLife.start("a"))
        let record = try #require(run.stage(stage("a")))
        #expect(record.state == .running(attempt: 1) && record.attempts == 1 && record.start?.reasons == [.neverRun] && record.startedAt == RunLife.at(10))
        #expect(
            try Self.refused(.attemptFailed(stage("a"), attempt: 2, .exited(code: 1), at: Self.at), run)
                == "the stage 'a' of the run r7 is at attempt 1, and it is attempt 2 that failed")
        try run.apply(.attemptFailed(stage("a"), attempt: 1, .exited(code: 3), at: Self.at))
        try run.apply(RunLife.start("a", attempt: 2))
        #expect(try run.stage(stage("a"))?.state == .running(attempt: 2) && run.stage(stage("a"))?.failures == [.exited(code: 3)])
    }

    @Test func retriesAreLimitedAndOnlyForWhatMayPass() throws {
        let running = try Self.run(RunLife.start("a"))
        #expect(try running.stage(stage("a"))?.mayRetry(after: .exited(code: 1)) == true && running.stage(stage("a"))?.mayRetry(after: .cancelled) == false)
        #expect(
            try Self.refused(.attemptFailed(stage("a"), attempt: 1, .outputMissing(slot("x")), at: Self.at), running)
                == "'a' of the run r7 has no attempt left after this: the program did not write the output 'x' to $PENSTOCK_OUTPUT_X")
        let second = try Self.run(RunLife.start("a"), .attemptFailed(stage("a"), attempt: 1, .signalled(9), at: Self.at), RunLife.start("a", attempt: 2))
        #expect(
            try Self.refused(.attemptFailed(stage("a"), attempt: 2, .exited(code: 1), at: Self.at), second)
                == "'a' of the run r7 has no attempt left after this: the program ended with code 1")
        guard case .success(let failed) = RunLife.taking(.stageFailed(try stage("a"), attempt: 2, .exited(code: 1), at: Self.at), second) else {
            Issue.record("the last attempt may not fail")
            return
        }
        #expect(try failed.stage(stage("a"))?.failures == [.signalled(9), .exited(code: 1)] && failed.stage(stage("a"))?.state == .failed(.exited(code: 1)))
    }

    @Test func whatWasStoppedOnRequestHasNotFailed() throws {
        let run = try Self.run(RunLife.start("a"))
        let sentence = "the stage 'a' of the run r7 was stopped on request, which is no failure; record it as cancelled"
        #expect(try Self.refused(.stageFailed(stage("a"), attempt: 1, .cancelled, at: Self.at), run) == sentence)
        #expect(try Self.refused(.attemptFailed(stage("a"), attempt: 1, .cancelled, at: Self.at), run) == sentence)
    }

    @Test func aStageWaitsForWhatItReads() throws {
        let waiting = try Self.run(), running = try Self.run(RunLife.start("a"))
        #expect(try Self.refused(RunLife.start("b"), waiting) == "the stage 'b' of the run r7 reads from 'a', which is waiting; its inputs are not there")
        #expect(
            try Self.refused(.stageReused(stage("b"), RunLife.execution("b"), .unchanged, at: Self.at), running)
                == "the stage 'b' of the run r7 reads from 'a', which is running; its inputs are not there")
        for event in try [RunLife.event("run.stage-reused")] {
            #expect(try Self.refused(RunLife.start("b"), Self.run(event)) == "")
        }
    }

    @Test func onlyWhatTheAttemptSetOutToDoIsPublished() throws {
        let run = try Self.run(RunLife.start("a")), good = try RunLife.execution("a")
        func refused(_ change: (inout StageExecution) throws -> Void) throws -> String {
            var execution = good
            try change(&execution)
            return Self.refused(.stagePublished(execution, at: Self.at), run)
        }
        #expect(try refused { _ in } == "")
        #expect(try refused { $0.run = try name("r8") } == "the stage 'a' of the run r7 publishes r8/a/1, which is not what attempt 1 of this run set out to do")
        #expect(try refused { $0.attempt = 2 } == "the stage 'a' of the run r7 publishes r7/a/2, which is not what attempt 1 of this run set out to do")
        #expect(try refused { $0.fingerprint = fingerprint("z") } == "the stage 'a' of the run r7 publishes r7/a/1, which is not what attempt 1 of this run set out to do")
        #expect(try refused { $0.outputs = [:] } == "the stage 'a' of the run r7 has the outputs x, and r7/a/1 has none")
        #expect(try refused { $0.outputs[try slot("y")] = file("") } == "the stage 'a' of the run r7 has the outputs x, and r7/a/1 has x, y")
    }

    @Test func onlyAWholeResultIsReused() throws {
        var execution = try RunLife.execution("a", run: "r1")
        execution.outputs = [try slot("y"): file("")]
        #expect(try Self.refused(.stageReused(stage("a"), execution, .unchanged, at: Self.at), Self.run()) == "the stage 'a' of the run r7 has the outputs x, and r1/a/1 has y")
    }

    @Test func aStageIsSkippedBecauseOfAFailedOne() throws {
        let failed = try Self.run(RunLife.start("a"), RunLife.event("run.stage-failed")), a = try stage("a"), b = try stage("b")
        #expect(try failed.waitingBehind(a) == [b] && failed.waitingBehind(b) == [] && Self.run().waitingBehind(a) == [b])
        var run = failed
        try run.apply(.stageSkipped(b, because: a, at: Self.at))
        #expect(run.stage(b)?.state == .skipped(because: a) && run.waitingBehind(a) == [])
        let sentence = "the stage 'b' of the run r7 cannot be skipped because of 'a', which is no failed stage that it depends on"
        for other in try [Self.run(), Self.run(RunLife.start("a")), Self.run(RunLife.event("run.stage-reused")), Self.run(RunLife.event("run.stage-cancelled"))] {
            #expect(Self.refused(.stageSkipped(b, because: a, at: Self.at), other) == sentence)
        }
        for cause in try [b, stage("c")] {
            #expect(
                Self.refused(.stageSkipped(b, because: cause, at: Self.at), failed)
                    == "the stage 'b' of the run r7 cannot be skipped because of '\(cause)', which is no failed stage that it depends on")
        }
    }

    @Test func aFarStageIsSkippedBecauseOfTheFirstThatFailed() throws {
        var outline = try RunLife.outline()
        outline.stages.append(RunOutline.Stage(name: try stage("c"), needs: [try stage("b")], outputs: [], retries: 0))
        outline.stages.append(RunOutline.Stage(name: try stage("d"), needs: [], outputs: [], retries: 0))
        var run = try PipelineRun(RunLife.id(), .planned(outline, at: RunLife.at(0)))
        for event in [.started(at: Self.at), try RunLife.start("a"), try RunLife.event("run.stage-failed")] { try run.apply(event) }
        #expect(try run.waitingBehind(stage("a")).map(\.text) == ["b", "c"] && run.verdict == nil)
        for name in ["c", "b"] { try run.apply(.stageSkipped(stage(name), because: stage("a"), at: Self.at)) }
        #expect(Self.refused(.failed(at: Self.at), run) == "the run r7 has not failed: 'd' is waiting")
        try run.apply(RunLife.start("d"))
        #expect(Self.refused(.failed(at: Self.at), run) == "the run r7 has not failed: 'd' is running")
        try run.apply(.stagePublished(RunLife.execution("d"), at: Self.at))
        #expect(try run.verdict == .failed && run.outcomes == [stage("d"): .ran(RunLife.execution("d"))])
        try run.apply(.failed(at: Self.at))
        #expect(run.phase == .failed)
    }

    @Test func aRunSucceedsWhenEveryStageHasItsOutputs() throws {
        let b = try stage("b"), reused = try RunLife.execution("b", run: "r1")
        var run = try Self.run(RunLife.start("a"))
        #expect(Self.refused(.succeeded(at: Self.at), run) == "the run r7 has not succeeded: 'a' is running")
        try run.apply(RunLife.event("run.stage-published"))
        #expect(Self.refused(.succeeded(at: Self.at), run) == "the run r7 has not succeeded: 'b' is waiting")
        try run.apply(.stageReused(b, reused, .sameOutputs([output("a.x")]), at: Self.at))
        #expect(try run.verdict == .succeeded && run.outcomes == [stage("a"): .ran(RunLife.execution("a")), b: .reused(reused)])
        #expect(Self.refused(.failed(at: Self.at), run) == "the run r7 has not failed: all its stages have their outputs")
        try run.apply(.succeeded(at: Self.at))
        #expect(run.phase == .succeeded && run.changed == Self.at)
    }

    @Test func aCancelledRunHasNothingRunning() throws {
        var run = try Self.run(RunLife.start("a"))
        #expect(
            Self.refused(.cancelled(reason: "interrupted", at: Self.at), run)
                == "the run r7 cannot be cancelled while its stage 'a' is running; stop that first")
        try run.apply(.stageCancelled(stage("a"), at: Self.at))
        #expect(run.verdict == nil)
        guard case .success(let both) = RunLife.taking(.stageCancelled(try stage("b"), at: Self.at), run) else {
            Issue.record("a waiting stage may not be cancelled")
            return
        }
        #expect(both.verdict == .cancelled && Self.refused(.succeeded(at: Self.at), both) == "the run r7 has not succeeded: 'a' is cancelled")
        try run.apply(.cancelled(reason: "interrupted", at: Self.at))
        #expect(run.stages.map(\.state) == [.cancelled, .cancelled] && run.ending == "interrupted" && run.stages[1].endedAt == Self.at && run.verdict == .cancelled)
        let done = try Self.run(RunLife.event("run.stage-reused"), .stageReused(stage("b"), RunLife.execution("b"), .unchanged, at: Self.at))
        #expect(Self.refused(.cancelled(reason: "late", at: Self.at), done) == "the run r7 has nothing left to cancel; record that it succeeded")
        let half = try Self.run(RunLife.event("run.stage-reused"), .cancelled(reason: "x", at: Self.at))
        #expect(half.stages.map { StateName($0.state) } == [.reused, .cancelled])
    }

    @Test func anAbandonedRunGoesOnWhereItStopped() throws {
        let a = try stage("a")
        var run = try Self.run(RunLife.start("a"), .attemptFailed(a, attempt: 1, .exited(code: 1), at: Self.at), RunLife.start("a", attempt: 2), .abandoned(at: Self.at))
        #expect(run.phase == .abandoned && run.stages.map(\.state) == [.abandoned(attempt: 2), .waiting] && run.stages[0].endedAt == Self.at)
        try run.apply(.resumed(at: RunLife.at(30)))
        #expect(run.phase == .running && run.stages.map(\.state) == [.waiting, .waiting] && run.stages[0].endedAt == nil && run.stages[0].attempts == 2)
        // The abandoned attempt was nobody's failure; the one before it used up the only retry.
        #expect(run.stages[0].failures == [.exited(code: 1)] && !run.stages[0].mayRetry(after: .exited(code: 1)))
        #expect(try Self.refused(RunLife.start("a", attempt: 2), run) != "" && Self.refused(RunLife.start("a", attempt: 3), run) == "")
        // What the lost executor had stored before it could say so is found by its fingerprint.
        #expect(try Self.refused(.stageReused(a, RunLife.execution("a", attempt: 2), .unchanged, at: Self.at), run) == "")
        var cancelled = try Self.run(RunLife.start("a"), .abandoned(at: Self.at))
        try cancelled.apply(.cancelled(reason: "not needed", at: Self.at))
        #expect(cancelled.stages.map(\.state) == [.cancelled, .cancelled])
    }

    @Test func anOutlineWithoutAnOrderIsRefused() throws {
        func refused(_ stages: [(String, [String])]) throws -> String {
            let outline = RunOutline(
                pipeline: try name("p"), file: .of(""),
                stages: try stages.map { RunOutline.Stage(name: try stage($0.0), needs: try $0.1.map(stage), outputs: [], retries: 0) })
            return refusal { try PipelineRun(RunLife.id(), .planned(outline, at: Self.at)) }
        }
        let front = "the outline of the run r7 cannot be followed: "
        #expect(try refused([]) == front + "it has no stages")
        #expect(try refused([("a", ["b"]), ("b", [])]) == front + "'a' needs 'b', which does not stand before it")
        #expect(try refused([("a", ["a"])]) == front + "'a' needs 'a', which does not stand before it")
        #expect(try refused([("a", []), ("a", [])]) == front + "'a' stands twice")
        #expect(try refused([("a", []), ("b", ["a"])]) == "")
    }

    @Test func aGraphGivesItsOutline() throws {
        let outline = RunOutline(try Sample.graph(), file: .of("file"))
        #expect(outline.pipeline.text == "flight-delay" && outline.stages.map(\.name.text) == ["ingest", "features", "train", "evaluate", "register"])
        #expect(outline.stages.map { $0.needs.map(\.text) } == [[], ["ingest"], ["features"], ["features", "train"], ["train", "evaluate"]])
        #expect(outline.stages.map { $0.outputs.map(\.text) } == [["flights"], ["train", "holdout"], ["model"], ["evaluation"], ["version"]])
        #expect(outline.stages.map(\.retries) == [0, 0, 2, 0, 0])
    }
}
