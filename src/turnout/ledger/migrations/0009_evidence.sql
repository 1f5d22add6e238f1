-- What kind of evidence was given of an answer. What people say is `feedback`, and makes the decision's score.
ALTER TABLE feedback ADD COLUMN kind TEXT NOT NULL DEFAULT 'feedback';  -- feedback, outcome, judge, agreement, check
ALTER TABLE feedback ADD COLUMN judge TEXT;                              -- the target or check that says so

ALTER TABLE shadows ADD COLUMN purpose TEXT NOT NULL DEFAULT 'shadow';   -- shadow; judge: it was asked about an answer
