//! What can be wrong with a node.

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    // The names of resources.
    PrefixesNames,
    TakesNamesForText,
    CutsNames,
    TrimsNames,
    // Acquire.
    GivesNoHint,
    HidesForEver,
    ReportsTheFirstHolder,
    RefusalProlongs,
    RefusesWhatIsSentTwice,
    SentTwiceSetsTheTime,
    CountsAgainWhatIsSentTwice,
    ComparesBeginnings,
    TakesTheFirstResourceOnly,
    WritesAsItGoes,
    GivesUpItsOwnWhenRefused,
    OverwritesOtherTypes,
    LooksThenWrites,
    // Times to live.
    ForgetsEarly,
    NeverForgets,
    WrapsTimes,
    RefusesShortTimes,
    // Extend.
    ExtendsInWordsOnly,
    ExtendShortens,
    ExtendBringsBack,
    ExtendsAnybody,
    ExtendsWhatItCan,
    // Release.
    ReleasesAnybody,
    ReleasesInWordsOnly,
    AlwaysSaysRemoved,
    ReleasesAllOrNone,
    SaysGoneBeforeForeign,
    // Inspect.
    SeesGhosts,
    ShowsNoTimes,
    ShowsInReverse,
    TakesValuesForText,
    TakesEmptyForFree,
    LookingProlongs,
    LookingRemovesOtherTypes,
    // Order and time limits.
    AcquireDawdles,
    ReleaseDawdles,
    SendsUnpolled,
    IgnoresTimeLimits,
    // Identity.
    ChangesItsName,
    ChangesItsRun,
    IsAReplica,
    OneServerTwice,
    // Fencing.
    GivesNoNumber,
    RepeatsNumbers,
    CountsAside,
    IgnoresHints,
    TakesAnyHint,
    HidesCounters,
    FencesTheFirstOnly,
    LiftsBeforeItLooks,
    AlwaysFences,
    ForgetsCountersEarly,
    NeverForgetsCounters,
    ExtendForgetsCounters,
    ExtendShortensCounters,
    ExtendMakesCounters,
    TakesAnyCounter,
    // Raise.
    RaisesInWordsOnly,
    RaiseLowers,
    RaiseTakes,
    RaisesWhatItCan,
    RaiseForgets,
    // The restart guard.
    IgnoresTheGuard,
    WarmsForEver,
    WarmsBeforeItLooks,
    GuardsEverything,
}
