"""Are groups of people treated differently? A statistic of many calls, never a judgement on one text."""
